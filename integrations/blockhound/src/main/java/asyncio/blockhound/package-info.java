/** BlockHound support for event loops. */
@NullMarked
package asyncio.blockhound;

import org.jspecify.annotations.NullMarked;
