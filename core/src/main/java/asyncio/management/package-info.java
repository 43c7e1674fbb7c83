/**
 * Event loops for tools that look into a running process, by JMX. Nothing here is loaded, registered or opened before
 * somebody asks for it.
 */
@org.jspecify.annotations.NullMarked
package asyncio.management;
