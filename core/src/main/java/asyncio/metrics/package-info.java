/** Meters of event loops for Micrometer, which is optional: nothing here is loaded before somebody uses it. */
@org.jspecify.annotations.NullMarked
package asyncio.metrics;
