import asyncio.metrics.ActivityObservations;
import asyncio.metrics.AsyncioMetrics;
import asyncio.metrics.TaskObservations;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import io.micrometer.observation.ObservationRegistry;
Queue<Integer> orders;
ObservationRegistry observations;
EventLoop loop;
interface Users { Mono<Integer> find(int id); }
Users users;
