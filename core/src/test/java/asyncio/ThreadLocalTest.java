package asyncio;

import static asyncio.Asyncio.async;
import static asyncio.Asyncio.await;
import static asyncio.Asyncio.createTask;
import static asyncio.Asyncio.sleep;
import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import reactor.core.publisher.Mono;

/** A raw ThreadLocal stands for a SecurityContext, an MDC, a transaction: only the body that sets it may see it. */
class ThreadLocalTest {
    private static final ThreadLocal<String> LOCAL = new ThreadLocal<>();
    private static final ThreadLocal<String> INHERITABLE = new InheritableThreadLocal<>();

    @Test
    void aBodysThreadLocalsAreSeenByNoOtherBodyAndNoCallback() throws Exception {
        List<String> seen = new ArrayList<>();
        int[] callbacks = new int[1];
        Asyncio.run(() -> {
            EventLoop loop = EventLoop.getRunningLoop();
            List<Task<Void>> tasks = new ArrayList<>();
            for (int i = 0; i < 200; i++) {
                String mine = "body " + i;
                tasks.add(createTask(async(() -> {
                    look(seen, null, "a new body");
                    LOCAL.set(mine);
                    INHERITABLE.set(mine);
                    for (int k = 0; k < 5; k++) {
                        Runnable callback = () -> {
                            callbacks[0]++;
                            look(seen, null, "a callback");
                        };
                        loop.callSoon(callback);
                        loop.callLater(Duration.ofNanos(1), callback);
                        Future<String> future = new Future<>();
                        future.addDoneCallback(done -> callback.run());
                        future.subscribe(value -> callback.run());
                        Task<Void> mono = createTask(Mono.fromRunnable(callback));
                        loop.callSoon(() -> future.setResult("x"));
                        await(future);
                        look(seen, mine, "the body itself");
                        await(mono);
                        await(sleep(Duration.ZERO));
                        look(seen, mine, "the body itself");
                    }
                    if (mine.hashCode() % 2 == 0) {
                        await(sleep(Duration.ofMillis(1)));
                    }
                })));
            }
            for (Task<Void> task : tasks) {
                await(task);
            }
            look(seen, null, "main");
            // threads that are reused start clean
            for (int i = 0; i < 50; i++) {
                await(createTask(async(() -> look(seen, null, "a body afterwards"))));
            }
        });
        assertThat(seen).isEmpty();
        assertThat(callbacks[0]).isEqualTo(200 * 5 * 5);
        assertThat(LOCAL.get()).isNull();
    }

    private static void look(List<String> seen, String expected, String who) {
        if (LOCAL.get() != expected || INHERITABLE.get() != expected) {
            seen.add(who + " saw " + LOCAL.get() + ", " + INHERITABLE.get());
        }
    }
}
