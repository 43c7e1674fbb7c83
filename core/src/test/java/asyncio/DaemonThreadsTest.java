package asyncio;

import static asyncio.Asyncio.await;
import static asyncio.Asyncio.sleep;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.BooleanSupplier;
import java.util.function.Supplier;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** The threads of the library, which would not be started again, survive all exceptions of the code that they call. */
@Timeout(120)
class DaemonThreadsTest {
    private static final Duration SHORT = Duration.ofMillis(5);

    static Stream<Supplier<? extends Throwable>> failures() {
        return Stream.of(
                () -> new IllegalStateException("of a handler"),
                () -> new AssertionError("of a handler"),
                () -> new OutOfMemoryError("of a handler"));
    }

    private static void until(BooleanSupplier condition) throws Exception {
        while (!condition.getAsBoolean()) {
            await(sleep(SHORT));
        }
    }

    /** Drops exceptions until the logger has received the given number. */
    private static void forgetUntilTold(FailingLogger logger, int calls) throws Exception {
        EventLoop idle = EventLoop.newEventLoop();
        until(() -> {
            idle.createFuture().setException(new IOException("nobody asks for"));
            System.gc();
            return logger.calls() >= calls;
        });
        idle.close();
    }

    @ParameterizedTest
    @MethodSource("failures")
    void theWatchdogOutlivesALogger(Supplier<? extends Throwable> failure) throws Exception {
        Asyncio.run(() -> {
            try (FailingLogger logger = new FailingLogger(failure)) {
                forgetUntilTold(logger, 7);
            }
            try (LogCapture log = new LogCapture()) {
                EventLoop idle = EventLoop.newEventLoop();
                idle.createFuture().setException(new IOException("asked for by nobody"));
                until(() -> {
                    System.gc();
                    return !log.forgotten("asked for by nobody").isEmpty();
                });
                idle.close();
            }
        });
    }

    @ParameterizedTest
    @MethodSource("failures")
    void aSharedLoopOutlivesAnErrorThatCannotBeLogged(Supplier<? extends Throwable> failure) throws Exception {
        EventLoop loop = EventLoop.shared().next();
        try (FailingLogger logger = new FailingLogger(failure)) {
            loop.callSoonThreadsafe(() -> {
                throw new LinkageError("of a callback");
            });
            loop.callSoonThreadsafe(loop::stop);
            CountDownLatch told = new CountDownLatch(1);
            loop.callSoonThreadsafe(told::countDown);
            told.await();
            assertThat(logger.calls()).isPositive();
        }
        CountDownLatch ran = new CountDownLatch(1);
        loop.callSoonThreadsafe(ran::countDown);
        ran.await();
    }

    @Test
    void whatALoggerThrowsIsToldToTheThreadsHandlerOfUncaughtExceptions() throws Exception {
        AtomicReference<@Nullable Throwable> told = new AtomicReference<>();
        IllegalStateException failure = new IllegalStateException("of a handler");
        Thread thread = new Thread(() -> Log.warn("a warning", new IOException("its exception")));
        thread.setUncaughtExceptionHandler((t, e) -> told.set(e));
        try (FailingLogger logger = new FailingLogger(() -> failure)) {
            thread.start();
            thread.join();
        }
        assertThat(told.get())
                .hasMessageContaining("a warning")
                .hasMessageContaining("its exception")
                .hasCause(failure);
    }

    @Test
    void anExceptionThatCannotBePrintedIsLoggedAsText() {
        try (LogCapture log = new LogCapture() {
            @Override
            public void publish(java.util.logging.LogRecord record) {
                if (record.getThrown() != null) {
                    record.getThrown().printStackTrace(new java.io.PrintWriter(new java.io.StringWriter()));
                }
                super.publish(record);
            }
        }) {
            Log.error("a failure", new UnprintableException());
            assertThat(log.messages())
                    .singleElement()
                    .satisfies(text -> assertThat(text)
                            .contains("a failure", "UnprintableException (whose toString failed")
                            .contains("anExceptionThatCannotBePrintedIsLoggedAsText"));
        }
    }

    @Test
    void aRunOnAVirtualThreadHearsOfWhateverItsThreadThrows() {
        List<Error> errors = List.of(new OutOfMemoryError("of a run"), new StackOverflowError());
        for (Error error : errors) {
            assertThatThrownBy(() -> OnPlatformThread.call(() -> {
                        throw error;
                    }))
                    .isSameAs(error);
        }
    }
}
