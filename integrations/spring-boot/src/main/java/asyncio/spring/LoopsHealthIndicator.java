package asyncio.spring;

import asyncio.EventLoop;
import asyncio.SharedLoops;
import java.time.Duration;
import java.util.List;
import org.springframework.boot.health.contributor.AbstractReactiveHealthIndicator;
import org.springframework.boot.health.contributor.Health;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.core.scheduler.Schedulers;

/**
 * Health of the shared loops: each is asked to run a callback, and the application is down if one does not within
 * {@code asyncio.health.limit}. The details name those loops. No thread blocks while waiting.
 */
final class LoopsHealthIndicator extends AbstractReactiveHealthIndicator {
    private final SharedLoops loops;
    private final Duration limit;

    LoopsHealthIndicator(SharedLoops loops, Duration limit) {
        super("Cannot determine the health of the event loops");
        if (limit.isNegative() || limit.isZero()) {
            throw new IllegalArgumentException("asyncio.health.limit must be positive, not " + limit);
        }
        this.loops = loops;
        this.limit = limit;
    }

    @Override
    protected Mono<Health> doHealthCheck(Health.Builder builder) {
        return Flux.fromIterable(loops)
                .flatMap(this::ifItDoesNotAnswer, loops.size())
                .sort()
                .collectList()
                .map(silent -> health(builder, silent));
    }

    private Health health(Health.Builder builder, List<String> silent) {
        builder.withDetail("loops", loops.size());
        return silent.isEmpty()
                ? builder.up().build()
                : builder.down()
                        .withDetail("silent", silent)
                        .withDetail("limit", limit.toString())
                        .build();
    }

    /** Returns the loop's name, or empty if it answers in time: the callback or the limit, whichever is first. */
    private Mono<String> ifItDoesNotAnswer(EventLoop loop) {
        return Mono.<String>create(sink -> {
                    if (loop.isClosed()) {
                        sink.success(loop.getName());
                    } else {
                        sink.onDispose(loop.callSoonThreadsafe(sink::success)::cancel);
                    }
                })
                .timeout(limit, Mono.just(loop.getName()), Schedulers.parallel())
                .publishOn(Schedulers.parallel());
    }
}
