package asyncio;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import reactor.core.publisher.Mono;

/**
 * Waits that another thread has ended and not yet reported to the loop: virtual time must treat them as outside work,
 * not as a deadlock.
 */
class OnItsWayTest {
    private final EventLoop loop = EventLoop.newEventLoop();
    private final Task<Object> task = loop.createTask(Mono.never());

    @AfterEach
    void close() {
        loop.setExceptionHandler((l, what) -> {}); // the pending task is intended
        loop.close();
    }

    @Test
    void ofAFuture() {
        Future<String> future = loop.createFuture();
        Wait wait = new Wait.OnFuture(task, future);
        assertThat(wait.isForeign()).isFalse();
        future.setResult("done");
        assertThat(wait.isForeign()).isTrue();
    }

    @Test
    void ofACleanup() {
        Wait wait = new Wait.Joining(new WaitSubscriber<>(task, Mono.never()), loop.createFuture());
        assertThat(wait.isForeign())
                .as("nothing is under way, and the wait goes on")
                .isTrue();
    }
}
