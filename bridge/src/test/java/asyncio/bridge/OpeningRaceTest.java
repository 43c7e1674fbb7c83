package asyncio.bridge;

import static asyncio.Asyncio.await;
import static asyncio.Asyncio.createTask;
import static asyncio.Asyncio.sleep;
import static org.assertj.core.api.Assertions.assertThat;

import asyncio.Asyncio;
import asyncio.EventLoop;
import java.io.InputStream;
import java.io.OutputStream;
import java.time.Duration;
import java.util.Random;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/**
 * A task cut off by two limits at the same time ends when the stream it had opened, or was opening, is closed.
 * {@code -Dasyncio.test.races=100000} runs a soak.
 */
@ExtendWith(LeakCheck.class)
class OpeningRaceTest {
    private static final int RACES = Integer.getInteger("asyncio.test.races", 1_000);

    private final long seed = Long.getLong("asyncio.test.seed", System.nanoTime());
    private final Random random = new Random(seed);

    @AfterEach
    void close() {
        EventLoop.shutdownShared(Duration.ofSeconds(10));
    }

    private enum Way {
        READ_DETACHED {
            @Override
            Mono<Void> use(AtomicInteger open, int nanos) {
                return Blocking.read(() -> input(open, nanos), 1, Cancellation.DETACH)
                        .then();
            }
        },
        READ {
            @Override
            Mono<Void> use(AtomicInteger open, int nanos) {
                return Blocking.read(() -> input(open, nanos), 1, Cancellation.PROPAGATE)
                        .then();
            }
        },
        WRITE {
            @Override
            Mono<Void> use(AtomicInteger open, int nanos) {
                return Blocking.write(Flux.<byte[]>never(), () -> {
                    open.incrementAndGet();
                    LockSupport.parkNanos(nanos);
                    return new OutputStream() {
                        @Override
                        public void write(int b) {}

                        @Override
                        public void close() {
                            open.decrementAndGet();
                        }
                    };
                });
            }
        };

        abstract Mono<Void> use(AtomicInteger open, int nanos);

        private static InputStream input(AtomicInteger open, int nanos) {
            open.incrementAndGet();
            LockSupport.parkNanos(nanos);
            return new InputStream() {
                @Override
                public int read() {
                    LockSupport.parkNanos(20_000);
                    return 1;
                }

                @Override
                public void close() {
                    open.decrementAndGet();
                }
            };
        }
    }

    @ParameterizedTest
    @EnumSource
    void noTaskEndsBeforeItsStreamIsClosed(Way way) throws Exception {
        int early = Asyncio.run(() -> {
            int count = 0;
            for (int i = 0; i < RACES; i++) {
                AtomicInteger open = new AtomicInteger();
                Duration limit = Duration.ofNanos(200_000 + random.nextInt(200_000));
                Mono<Void> use = way.use(open, random.nextInt(200_000));
                try {
                    await(createTask(use.timeout(limit).timeout(limit)));
                } catch (TimeoutException e) {
                    // expected
                }
                if (open.get() > 0) {
                    count++;
                }
                while (open.get() > 0) {
                    await(sleep(Duration.ofMillis(1)));
                }
            }
            return count;
        });
        assertThat(early).as("tasks that ended early, seed %s", seed).isZero();
    }
}
