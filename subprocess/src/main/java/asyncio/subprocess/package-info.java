/**
 * Child processes with the writer and readers of {@link asyncio.streams} for stdin, stdout and stderr:
 * {@link asyncio.subprocess.Command} describes the program to run, {@link asyncio.subprocess.Subprocess} runs it.
 */
@NullMarked
package asyncio.subprocess;

import org.jspecify.annotations.NullMarked;
