package asyncio.subprocess;

import static asyncio.Asyncio.await;
import static asyncio.Asyncio.createTask;
import static asyncio.Asyncio.sleep;
import static org.assertj.core.api.Assertions.assertThat;

import asyncio.Asyncio;
import asyncio.CancelledException;
import asyncio.Task;
import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import reactor.core.publisher.Hooks;
import reactor.core.publisher.Mono;
import reactor.core.scheduler.Schedulers;

/**
 * Starts that several threads cancel at once, of children without processes, so that there can be many.
 * {@code -Dasyncio.test.races=100000} for a soak.
 */
@Timeout(value = 20, unit = TimeUnit.MINUTES)
class StartRaceTest {
    private static final int RACES = Integer.getInteger("asyncio.test.races", 1_000);
    private static final Command COMMAND = Command.of("fake");

    private final long seed = Long.getLong("asyncio.test.seed", System.nanoTime());
    private final Random random = new Random(seed);

    /** Ends a moment after it was asked to, and never by itself. */
    private record Fake(AtomicInteger alive, CompletableFuture<Integer> exited) implements LaunchedChild {
        Fake(AtomicInteger alive) {
            this(alive, new CompletableFuture<>());
            alive.incrementAndGet();
        }

        @Override
        public long pid() {
            return 1;
        }

        @Override
        public boolean isAlive() {
            return !exited.isDone();
        }

        @Override
        public int returnCode() {
            return exited.join();
        }

        @Override
        public CompletionStage<?> exit() {
            return exited;
        }

        @Override
        public Pipes connect() {
            return new Pipes(null, null, null);
        }

        @Override
        public void closePipes() {}

        @Override
        public boolean destroy(boolean forcibly) {
            return isAlive();
        }

        @Override
        public Mono<Void> send(String signal, boolean group) {
            return Mono.empty();
        }

        @Override
        public Mono<Void> end(boolean gently, Runnable closeStdin) {
            return Mono.delay(Duration.ofNanos(300_000))
                    .doOnNext(now -> {
                        if (exited.complete(-9)) {
                            alive.decrementAndGet();
                        }
                    })
                    .then();
        }

        @Override
        public Mono<List<ProcessHandle>> descendants() {
            return Mono.just(List.of());
        }
    }

    private Mono<?> start() {
        return switch (random.nextInt(5)) {
            case 0 -> Subprocess.run(COMMAND);
            case 1 -> Subprocess.use(COMMAND, Subprocess::waitFor);
            case 2 -> Subprocess.useFlux(COMMAND, Subprocess::waitFor).then();
            case 3 -> Subprocess.useBody(COMMAND, child -> await(child.waitFor()));
            default -> Subprocess.use(COMMAND, child -> Mono.never());
        };
    }

    private Launcher launcher(AtomicInteger alive) {
        boolean fails = random.nextInt(3) == 0;
        return (command, loop) -> {
            if (fails) {
                throw new IOException("no such program");
            }
            return new Fake(alive);
        };
    }

    private Duration someTime() {
        return Duration.ofNanos(random.nextInt(300_000));
    }

    @Test
    void aTaskThatIsCutOffTwiceEndsWhenItsChildHasEndedOrWasNotStarted() throws Exception {
        Hooks.onErrorDropped(error -> {});
        try {
            assertThat(Asyncio.run(this::early))
                    .as("tasks that ended before their child, seed %s", seed)
                    .isZero();
        } finally {
            Hooks.resetOnErrorDropped();
        }
    }

    private int early() throws Exception {
        int early = 0;
        for (int i = 0; i < RACES; i++) {
            AtomicInteger alive = new AtomicInteger();
            Duration limit = someTime();
            Task<?> task = createTask(
                    start().timeout(limit).timeout(limit).contextWrite(Launcher.CURRENT.with(launcher(alive))));
            if (random.nextBoolean()) {
                Schedulers.parallel().schedule(task::cancel, limit.toNanos(), TimeUnit.NANOSECONDS);
            }
            try {
                await(task);
            } catch (TimeoutException | CancelledException | IOException e) {
                // expected
            }
            if (alive.get() > 0) {
                early++;
                await(sleep(Duration.ofMillis(5)));
            }
        }
        return early;
    }
}
