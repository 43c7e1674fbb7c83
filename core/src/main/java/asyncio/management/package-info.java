/**
 * Event loops for tools that inspect a running process over JMX. Nothing here is loaded, registered or opened before it
 * is requested.
 */
@asyncio.Experimental
@org.jspecify.annotations.NullMarked
package asyncio.management;
