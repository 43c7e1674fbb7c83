import asyncio.metrics.ActivityObservations;
import asyncio.metrics.AsyncioMetrics;
import asyncio.metrics.TaskObservations;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.observation.ObservationRegistry;
import reactor.core.Disposable;
interface Users { Mono<Integer> find(int id); }
Users users;
