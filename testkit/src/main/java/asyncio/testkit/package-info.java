/**
 * Tools for testing programs that run on an event loop: virtual time, deterministic schedules, checks for leaks and
 * deadlocks, for JUnit ({@link asyncio.testkit.AsyncioTest}) and for plain code
 * ({@link asyncio.testkit.VirtualTimeLoop}).
 */
@NullMarked
package asyncio.testkit;

import org.jspecify.annotations.NullMarked;
