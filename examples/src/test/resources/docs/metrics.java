import asyncio.metrics.AsyncioMetrics;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
Queue<Integer> orders;
