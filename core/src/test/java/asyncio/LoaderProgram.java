package asyncio;

import static asyncio.Asyncio.async;
import static asyncio.Asyncio.await;
import static asyncio.Asyncio.createTask;
import static asyncio.Asyncio.gather;
import static asyncio.Asyncio.generate;
import static asyncio.Asyncio.sleep;
import static asyncio.Asyncio.toThread;

import java.time.Duration;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Assertions;

/** An application for {@link ClassLoaderTest}, which loads it anew each time. Uses only public API. */
public final class LoaderProgram implements Runnable, Callable<Boolean> {
    private volatile boolean completed;

    private static final class Failure extends RuntimeException {
        private static final long serialVersionUID = 1;

        Failure() {
            super("expected");
        }
    }

    /** A holder of a value with a class of this loader. */
    private static final ThreadLocal<LoaderProgram> LOCAL = new ThreadLocal<>();

    @Override
    public void run() {
        try (SharedLoops.Lease lease = SharedLoops.lease()) {
            for (int i = 0; i < 20; i++) {
                use(lease.loops());
            }
            completed = true;
        } catch (Exception e) {
            throw new IllegalStateException(e);
        }
    }

    @Override
    public Boolean call() {
        return completed;
    }

    private static void use(SharedLoops loops) throws Exception {
        Integer sum = async(() -> {
                    LOCAL.set(new LoaderProgram());
                    Task<Integer> one = createTask(async(() -> await(sleep(Duration.ofMillis(1), 1))));
                    List<Integer> others = await(gather(async(() -> 2), toThread(() -> 3)));
                    int all = await(one) + others.get(0) + others.get(1);
                    all += await(generate(emitter -> await(emitter.emit(4))).count())
                            .intValue();
                    Task<String> cancelled = createTask(async(() -> await(sleep(Duration.ofHours(1), "never"))));
                    await(sleep(Duration.ZERO));
                    cancelled.cancel();
                    try {
                        await(cancelled);
                    } catch (CancellationException e) {
                        all++;
                    }
                    try {
                        await(async(() -> {
                            throw new Failure();
                        }));
                    } catch (Failure e) {
                        all++;
                    }
                    return all;
                })
                .block();
        Assertions.assertEquals(9, sum);
        CompletableFuture<LoaderProgram> called = new CompletableFuture<>();
        loops.next().callSoonThreadsafe(() -> called.complete(new LoaderProgram()));
        called.join();
        Asyncio.run(() -> {
            await(sleep(Duration.ZERO));
        });
    }
}
