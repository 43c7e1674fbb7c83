/**
 * The counterpart of {@code python -m asyncio}: a program that shows the tasks of running processes, and a prompt.
 * Start it with {@code java -jar asyncio-tools.jar}; it has no API for other programs.
 */
@NullMarked
package asyncio.tools;

import org.jspecify.annotations.NullMarked;
