/** JMH benchmarks of the kernel; {@code benchmarks/python/bench.py} has the same rows for CPython. */
@NullMarked
package asyncio.benchmarks;

import org.jspecify.annotations.NullMarked;
