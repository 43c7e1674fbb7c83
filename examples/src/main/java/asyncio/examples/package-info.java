/**
 * Runnable programs. {@link asyncio.examples.Hello} is the smallest, {@link asyncio.examples.Tour} shows most of the
 * library.
 */
@NullMarked
package asyncio.examples;

import org.jspecify.annotations.NullMarked;
