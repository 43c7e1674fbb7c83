package asyncio;

import static asyncio.Asyncio.async;
import static asyncio.Asyncio.await;
import static asyncio.Asyncio.createTask;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import reactor.core.publisher.Mono;

@Timeout(60)
class TaskFactoryTest {
    private final EventLoop loop = EventLoop.newEventLoop();

    @AfterEach
    void close() {
        loop.close();
    }

    /** Remembers the options of the tasks it makes. */
    private static final class Recording implements TaskFactory {
        final List<TaskOptions> made = new ArrayList<>();

        @Override
        public <T> Task<T> newTask(EventLoop loop, Mono<? extends T> coroutine, TaskOptions options) {
            made.add(options);
            return loop.newTask(coroutine, options.withName("made " + options.name()));
        }
    }

    @Test
    @DisplayName(
            "LOOP-32 LOOP-33 TSK-40 createTask asks the factory, which sees the name and may change it; null resets")
    void factory() throws Exception {
        Recording recording = new Recording();
        loop.setTaskFactory(recording);
        assertThat(loop.getTaskFactory()).isSameAs(recording);
        loop.runUntilComplete(async(() -> {
            Task<Integer> task = createTask(async(() -> 1), "mine");
            assertThat(task.getName()).isEqualTo("made mine");
            assertThat(await(task)).isEqualTo(1);
            assertThat(await(Asyncio.<Integer>ensureFuture(async(() -> 2)))).isEqualTo(2);
        }));
        assertThat(recording.made).extracting(TaskOptions::name).containsExactly(null, "mine", null);
        loop.setTaskFactory(null);
        loop.runUntilComplete(async(
                () -> assertThat(await(createTask(async(() -> 3)))).isEqualTo(3)));
        assertThat(recording.made).hasSize(3);
    }

    @Test
    void aFactoryThatMakesNoTaskOfTheLoopIsAnError() {
        EventLoop other = EventLoop.newEventLoop();
        loop.setTaskFactory(new TaskFactory() {
            @Override
            public <T> Task<T> newTask(EventLoop loop, Mono<? extends T> coroutine, TaskOptions options) {
                return other.newTask(coroutine, options);
            }
        });
        assertThatThrownBy(() -> loop.createTask(Mono.just(1)))
                .isInstanceOf(IllegalStateException.class)
                .hasMessageContaining("must return a task of that loop");
        try (LogCapture log = new LogCapture()) {
            other.close();
            assertThat(log.messages()).as("the task it made instead").hasSize(1);
        }
    }

    private static final class Failing implements TaskFactory {
        @Override
        public <T> Task<T> newTask(EventLoop loop, Mono<? extends T> coroutine, TaskOptions options) {
            throw new UnsupportedOperationException("no tasks today");
        }
    }

    @Test
    @DisplayName("SLP-09 if the factory throws, runThreadsafe's future fails with that, and the handler is told once")
    void runThreadsafe() throws Exception {
        try (LoopThread thread = new LoopThread(loop)) {
            List<ExceptionContext> told = new CopyOnWriteArrayList<>();
            loop.setExceptionHandler((l, what) -> told.add(what));
            loop.setTaskFactory(new Failing());
            CompletableFuture<Integer> failing = Asyncio.runThreadsafe(async(() -> 1), loop);
            assertThatThrownBy(() -> failing.get(30, TimeUnit.SECONDS))
                    .isInstanceOf(ExecutionException.class)
                    .hasCauseInstanceOf(UnsupportedOperationException.class);
            CompletableFuture<Void> later = new CompletableFuture<>();
            loop.callSoonThreadsafe(() -> later.complete(null));
            later.get(30, TimeUnit.SECONDS);
            assertThat(told).hasSize(1);
            assertThat(told.get(0).exception()).hasMessage("no tasks today");
            assertThat(loop.allTasks()).isEmpty();

            loop.setTaskFactory(Asyncio::eagerTaskFactory);
            assertThat(Asyncio.runThreadsafe(async(() -> 2), loop).get(30, TimeUnit.SECONDS))
                    .isEqualTo(2);
            Future<Void> never = loop.createFuture();
            CompletableFuture<Void> cancelled = Asyncio.runThreadsafe(async(() -> await(never)), loop);
            assertThat(cancelled.cancel(true)).isTrue();
            CompletableFuture<Integer> left = new CompletableFuture<>();
            loop.callSoonThreadsafe(() -> loop.callSoon(
                    () -> loop.callSoon(() -> left.complete(loop.allTasks().size()))));
            assertThat(left.get(30, TimeUnit.SECONDS)).isZero();
        }
    }

    @Test
    void runThreadsafeOnALoopThatClosesFirstFails() {
        loop.setTaskFactory(Asyncio::eagerTaskFactory);
        CompletableFuture<Integer> future = Asyncio.runThreadsafe(async(() -> 1), loop);
        loop.close();
        assertThatThrownBy(() -> future.get(30, TimeUnit.SECONDS))
                .isInstanceOf(ExecutionException.class)
                .hasMessageContaining("closed");
        assertThatThrownBy(() -> Asyncio.runThreadsafe(async(() -> 1), loop)).isInstanceOf(IllegalStateException.class);
    }
}
