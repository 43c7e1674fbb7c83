/** Meters of event loops for Micrometer, which is optional: nothing here is loaded before it is used. */
@org.jspecify.annotations.NullMarked
package asyncio.metrics;
