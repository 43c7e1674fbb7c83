import asyncio.metrics.AsyncioMetrics;
import io.micrometer.core.instrument.MeterRegistry;
import reactor.core.Disposable;
