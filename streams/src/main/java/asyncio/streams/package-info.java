/**
 * TCP connections as a reader and a writer: {@link asyncio.streams.Streams} opens them and serves them,
 * {@link asyncio.streams.StreamReader} reads lines and blocks, {@link asyncio.streams.StreamWriter} writes with
 * back-pressure.
 *
 * <p>They are built on Reactor Netty connections:
 * {@link asyncio.streams.StreamConnection#from(reactor.netty.Connection)} puts the same reader and writer on any
 * connection of your own.
 */
@NullMarked
package asyncio.streams;

import org.jspecify.annotations.NullMarked;
