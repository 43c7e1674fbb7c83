package asyncio;

import static asyncio.Asyncio.async;
import static asyncio.Asyncio.await;
import static asyncio.Asyncio.createTask;
import static asyncio.Asyncio.gather;
import static asyncio.Asyncio.mapConcurrent;
import static asyncio.Asyncio.race;
import static asyncio.Asyncio.sleep;
import static asyncio.Asyncio.waitFor;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowable;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import reactor.core.CoreSubscriber;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/** Objects of the user's with a failing {@code toString}, and exceptions without a message, stop nothing. */
@Timeout(60)
class HostileTextTest {
    private static final Duration LONG = Duration.ofHours(1);

    /** Its {@code toString} throws an exception, or an error. */
    private static final class Hostile implements Runnable, Consumer<Object> {
        @Override
        public void run() {
            throw new UnprintableException();
        }

        @Override
        public void accept(Object unused) {
            throw new UnprintableException();
        }

        @Override
        public String toString() {
            return toString() + "overflows";
        }
    }

    private static Mono<Integer> failing() {
        return sleep(Duration.ofMillis(1)).then(Mono.error(new UnprintableException()));
    }

    private static void fails(Mono<?> mono) {
        assertThat(catchThrowable(() -> Asyncio.run(() -> await(mono)))).isInstanceOf(UnprintableException.class);
    }

    @Test
    void combinatorsEndWithAnExceptionWhoseMessageCannotBeHad() {
        fails(mapConcurrent(Flux.range(0, 5), 3, i -> i == 1 ? failing() : sleep(LONG, i))
                .then());
        fails(Asyncio.mapConcurrentUnordered(Flux.range(0, 5), 3, i -> i == 1 ? failing() : sleep(LONG, i))
                .then());
        fails(gather(failing(), sleep(LONG)));
        fails(waitFor(failing(), LONG));
        assertThatThrownBy(() -> Asyncio.run(() -> await(race(failing(), failing()))))
                .isInstanceOf(ExceptionGroup.class);
        assertThatThrownBy(() -> Asyncio.run(() -> await(TaskGroup.scopeBody(group -> {
                    group.createTask(failing());
                    return await(sleep(LONG, 1));
                }))))
                .isInstanceOf(ExceptionGroup.class);
    }

    @Test
    void anExceptionThatNobodyRetrievesIsReportedAndRunReturnsItsResult() throws Exception {
        try (LogCapture log = new LogCapture()) {
            int result = Asyncio.run(() -> {
                createTask(failing());
                createTask(async(() -> {
                    throw new UnprintableException();
                }));
                await(sleep(Duration.ofMillis(20)));
                return 1;
            });
            assertThat(result).isEqualTo(1);
        }
    }

    @Test
    void soItIsWhereTheLoggerPrintsIt() throws Exception {
        java.util.logging.Handler printing = new java.util.logging.Handler() {
            @Override
            public void publish(java.util.logging.LogRecord record) {
                if (record.getThrown() != null) {
                    record.getThrown().getMessage();
                }
            }

            @Override
            public void flush() {}

            @Override
            public void close() {}
        };
        java.util.logging.Logger logger = java.util.logging.Logger.getLogger("asyncio");
        logger.addHandler(printing);
        try {
            anExceptionThatNobodyRetrievesIsReportedAndRunReturnsItsResult();
        } finally {
            logger.removeHandler(printing);
        }
    }

    @Test
    void callbacksThatCannotSayWhatTheyAreAreReported() throws Exception {
        List<String> told = new ArrayList<>();
        Asyncio.run(() -> {
            EventLoop loop = EventLoop.getRunningLoop();
            loop.setExceptionHandler((l, what) -> told.add(what.message()));
            loop.callSoon(new Hostile());
            Future<Object> future = loop.createFuture();
            future.addDoneCallback(new Hostile()::accept);
            Hostile callback = new Hostile();
            future.addDoneCallback(callback);
            assertThat(future.toString()).contains("Hostile (whose toString failed");
            future.setResult(new Hostile());
            assertThat(future.toString()).contains("Hostile (whose toString failed");
            await(sleep(Duration.ofMillis(1)));
        });
        assertThat(told).hasSize(3).anySatisfy(text -> assertThat(text).contains("(whose toString failed"));
    }

    @Test
    void futuresSayWhatTheyCan() {
        Future<Object> done = new Future<>();
        done.setException(new UnprintableException());
        assertThat(done.toString()).contains("UnprintableException (whose toString failed");
        assertThatThrownBy(() -> done.setResult(new Hostile()))
                .isInstanceOf(InvalidStateException.class)
                .hasMessageContaining("whose toString failed");
        assertThatThrownBy(() -> done.setException(new UnprintableException()))
                .isInstanceOf(InvalidStateException.class);
        assertThat(done.exception()).isInstanceOf(UnprintableException.class);
    }

    @Test
    void tasksThatWaitForWhatCannotSayWhatItIsAreDumped() throws Exception {
        Mono<Integer> hostile = new Mono<>() {
            @Override
            public void subscribe(CoreSubscriber<? super Integer> actual) {
                Mono.<Integer>never().subscribe(actual);
            }

            @Override
            public String toString() {
                throw new IllegalStateException("of toString");
            }
        };
        Asyncio.run(() -> {
            Task<Integer> task = createTask(async(() -> await(hostile)));
            Task<Integer> limited = createTask(waitFor(hostile, LONG));
            await(sleep(Duration.ofMillis(1)));
            assertThat(EventLoop.getRunningLoop().dumpTasks()).contains("(whose toString failed");
            assertThat(task.toString() + limited).contains("Task");
            task.cancel();
            limited.cancel();
        });
    }
}
