package asyncio.queue;

import static asyncio.Asyncio.async;
import static asyncio.Asyncio.await;
import static org.assertj.core.api.Assertions.assertThat;

import asyncio.EventLoop;
import asyncio.Task;
import org.junit.jupiter.api.Test;

/** Bodies that wait at a queue when their loop is closed. */
class ClosedLoopTest {
    private final Queue<String> queue = new Queue<>(1);
    private final EventLoop loop = EventLoop.newEventLoop();

    private Task<?> waiting(boolean gets) {
        Task<?> task =
                loop.createTask(async(() -> gets ? (Object) await(queue.get()) : (Object) await(queue.put("late"))));
        loop.setExceptionHandler((l, what) -> {}); // it is expected to be pending
        loop.stop();
        loop.runForever();
        assertThat(task.done()).isFalse();
        return task;
    }

    @Test
    void anItemThatWasGrantedToOneReturnsToTheQueue() throws Exception {
        Task<?> task = waiting(true);
        queue.putNowait("item");
        loop.close();
        assertThat(task.cancelled()).isTrue();
        assertThat(queue.getNowait()).isEqualTo("item");
    }

    @Test
    void oneThatWaitsIsForgotten() throws Exception {
        Task<?> task = waiting(true);
        loop.close();
        assertThat(task.cancelled()).isTrue();
        queue.putNowait("item");
        assertThat(queue.getNowait()).isEqualTo("item");
    }

    @Test
    void aPutterThatWaitsPutsNothing() throws Exception {
        queue.putNowait("first");
        Task<?> task = waiting(false);
        loop.close();
        assertThat(task.cancelled()).isTrue();
        assertThat(queue.getNowait()).isEqualTo("first");
        assertThat(queue.isEmpty()).isTrue();
    }
}
