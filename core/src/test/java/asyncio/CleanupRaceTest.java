package asyncio;

import static asyncio.Asyncio.async;
import static asyncio.Asyncio.await;
import static asyncio.Asyncio.createTask;
import static asyncio.Asyncio.gather;
import static asyncio.Asyncio.mapConcurrent;
import static asyncio.Asyncio.shieldedCleanup;
import static asyncio.Asyncio.sleep;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Hooks;
import reactor.core.publisher.Mono;
import reactor.core.scheduler.Schedulers;

/** Work that several threads cancel at once, at random. */
@Timeout(1200)
class CleanupRaceTest {
    private static final Duration LONG = Duration.ofMinutes(10);
    private static final Duration SHORT = Duration.ofNanos(50_000);
    private static final int AT_A_TIME = 50;

    /** One piece of work that is cancelled. */
    private static final class Trial {
        private final Random random;
        /** The number of bodies that have begun and have not finished their clean-up. */
        private final AtomicInteger open = new AtomicInteger();

        private final StringBuilder what = new StringBuilder();

        Trial(long seed) {
            random = new Random(seed);
        }

        private Mono<Long> leaf() {
            return async(() -> {
                open.incrementAndGet();
                try {
                    return await(sleep(LONG, 1L));
                } finally {
                    try {
                        await(shieldedCleanup(sleep(SHORT), LONG));
                    } finally {
                        open.decrementAndGet();
                    }
                }
            });
        }

        private Mono<?> work() {
            int kind = random.nextInt(6);
            what.append(kind);
            return switch (kind) {
                case 0 -> gather(leaf(), leaf());
                case 1 ->
                    TaskGroup.scope(group -> {
                        group.createTask(leaf());
                        return Mono.never();
                    });
                case 2 -> mapConcurrent(Flux.just(1, 2), 2, i -> leaf()).then();
                case 3 -> Mono.zip(leaf(), leaf());
                default -> leaf();
            };
        }

        private Mono<?> cutOff(Mono<?> work, Duration when) {
            int how = random.nextInt(5);
            what.append(' ').append(how);
            return switch (how) {
                case 0 -> Mono.zip(work, Mono.delay(when).then(Mono.error(new IOException("cut off"))));
                case 1 -> Mono.firstWithSignal(work, Mono.delay(when));
                case 2 -> Flux.merge(work, Mono.delay(when)).next();
                default -> work.timeout(when);
            };
        }

        /** Returns whether anything was left when the task had ended. */
        private boolean endsEarly() throws Exception {
            Duration when = Duration.ofNanos(100_000 + random.nextInt(100_000));
            Mono<?> chain = cutOff(work(), when);
            for (int i = random.nextInt(3); i > 0; i--) {
                chain = cutOff(random.nextBoolean() ? chain.map(value -> value) : chain, when);
            }
            Task<?> task = createTask(chain);
            if (random.nextInt(3) == 0) {
                what.append(" cancelled");
                Schedulers.parallel().schedule(task::cancel, when.toNanos(), TimeUnit.NANOSECONDS);
            }
            try {
                await(task);
            } catch (Exception e) {
                // the error of the canceller that won
            }
            return open.get() > 0;
        }
    }

    @Test
    @DisplayName("a task ends after the clean-up of all it ran, whoever cuts that off, from however many threads")
    void endsAfterTheCleanUp() throws Exception {
        long first = Long.getLong("asyncio.test.seed", System.nanoTime());
        int trials = Integer.getInteger("asyncio.test.cleanups", 3_000);
        List<String> early = new ArrayList<>();
        Hooks.onErrorDropped(error -> {});
        try {
            Asyncio.run(() -> {
                for (long from = first; from < first + trials; from += AT_A_TIME) {
                    List<Mono<Void>> some = new ArrayList<>();
                    for (long seed = from; seed < Math.min(from + AT_A_TIME, first + trials); seed++) {
                        Trial trial = new Trial(seed);
                        String name = "-Dasyncio.test.seed=" + seed;
                        some.add(async(() -> {
                            if (trial.endsEarly()) {
                                early.add(name + ": " + trial.what);
                            }
                        }));
                    }
                    await(gather(some));
                }
            });
        } finally {
            Hooks.resetOnErrorDropped();
        }
        System.err.println("CleanupRaceTest: " + early.size() + " of " + trials + " tasks ended before their clean-up");
        assertThat(early)
                .as("tasks that ended before their clean-up, of " + trials)
                .isEmpty();
    }
}
