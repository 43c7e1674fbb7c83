/** Will hold virtual time, deterministic schedules, leak checks and in-memory connections for tests. */
@NullMarked
package asyncio.testkit;

import org.jspecify.annotations.NullMarked;
