/**
 * A program that is to this library what {@code python -m asyncio} is: it shows the tasks of running processes. Start
 * it as {@code java -jar asyncio-tools.jar}; there is nothing to call from other programs.
 */
@NullMarked
package asyncio.tools;

import org.jspecify.annotations.NullMarked;
