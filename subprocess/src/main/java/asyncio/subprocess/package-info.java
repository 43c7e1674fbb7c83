/** Will hold child processes whose stdin, stdout and stderr are a StreamWriter and StreamReaders. */
@NullMarked
package asyncio.subprocess;

import org.jspecify.annotations.NullMarked;
