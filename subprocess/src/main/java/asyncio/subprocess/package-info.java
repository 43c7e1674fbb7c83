/**
 * Child processes whose stdin, stdout and stderr are the writer and readers of {@link asyncio.streams}:
 * {@link asyncio.subprocess.Command} says what to run, {@link asyncio.subprocess.Subprocess} runs it.
 */
@NullMarked
package asyncio.subprocess;

import org.jspecify.annotations.NullMarked;
