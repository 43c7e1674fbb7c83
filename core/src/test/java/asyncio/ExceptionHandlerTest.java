package asyncio;

import static asyncio.Asyncio.async;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import reactor.util.context.Context;

@Timeout(60)
class ExceptionHandlerTest {
    private final EventLoop loop = EventLoop.newEventLoop();

    @AfterEach
    void close() {
        loop.close();
    }

    private void runOneTick() {
        loop.stop();
        loop.runForever();
    }

    @Test
    @DisplayName("LOOP-28 the handler can be read back; it gets the loop and the context; null restores the default")
    void custom() {
        List<Object> told = new ArrayList<>();
        loop.setExceptionHandler((l, what) -> {
            told.add(l);
            told.add(what.message());
        });
        assertThat(loop.getExceptionHandler()).isNotNull();
        loop.callExceptionHandler(ExceptionContext.of("called by hand").build());
        assertThat(told).containsExactly(loop, "called by hand");
        loop.setExceptionHandler(null);
        assertThat(loop.getExceptionHandler()).isNull();
        try (LogCapture log = new LogCapture()) {
            loop.callExceptionHandler(ExceptionContext.of("logged").build());
            assertThat(log.messages()).containsExactly("logged");
        }
    }

    @Test
    @DisplayName("the default handler logs every key that is given")
    void everyKey() {
        Future<Integer> future = loop.createFuture();
        Handle handle = loop.callSoon(() -> {});
        IOException e = new IOException("e");
        ExceptionContext context = ExceptionContext.of("m")
                .exception(e)
                .future(future)
                .handle(handle)
                .protocol("the protocol")
                .transport("the transport")
                .socket("the socket")
                .build();
        try (LogCapture log = new LogCapture()) {
            loop.defaultExceptionHandler(context);
            assertThat(log.records().get(0).getThrown()).isSameAs(e);
            assertThat(log.messages().get(0).lines())
                    .containsExactly(
                            "m",
                            "future: " + future,
                            "handle: " + handle,
                            "protocol: the protocol",
                            "socket: the socket",
                            "transport: the transport");
        }
        Task<Integer> task = loop.createTask(async(() -> 1));
        assertThat((Object) ExceptionContext.of("m").future(task).build().task())
                .isSameAs(task);
        assertThat((Object) ExceptionContext.of("m").future(task).build().future())
                .isNull();
        task.cancel();
        runOneTick();
    }

    @Test
    @DisplayName("a custom handler may hand on to the default one")
    void handsOn() {
        loop.setExceptionHandler(EventLoop::defaultExceptionHandler);
        try (LogCapture log = new LogCapture()) {
            loop.callExceptionHandler(ExceptionContext.of("handed on").build());
            assertThat(log.messages()).containsExactly("handed on");
        }
    }

    @Test
    @DisplayName(
            "LOOP-30 if even the default handler fails, that is logged, with what it was to tell; the loop goes on")
    void brokenDefault() {
        IllegalStateException cause = new IllegalStateException("the first failure");
        Runnable unprintable = new Runnable() {
            @Override
            public void run() {
                throw cause;
            }

            @Override
            public String toString() {
                throw new UnsupportedOperationException("no text");
            }
        };
        Object broken = new Object() {
            @Override
            public String toString() {
                throw new UnsupportedOperationException("no text");
            }
        };
        try (LogCapture log = new LogCapture()) {
            loop.callExceptionHandler(
                    ExceptionContext.of("told").exception(cause).socket(broken).build());
            assertThat(log.messages()).containsExactly("Exception in default exception handler");
            Throwable thrown = log.records().get(0).getThrown();
            assertThat(thrown).hasMessage("no text");
            assertThat(thrown.getSuppressed()).containsExactly(cause);
        }
        List<String> ran = new ArrayList<>();
        try (LogCapture log = new LogCapture()) {
            loop.setExceptionHandler((l, what) -> {
                throw new IllegalArgumentException(what.message());
            });
            loop.callSoon(unprintable);
            loop.callSoon(() -> ran.add("goes on"));
            runOneTick();
            assertThat(log.messages()).isNotEmpty();
        }
        assertThat(ran).containsExactly("goes on");
    }

    @Test
    @DisplayName("LOOP-31 an Error of the handler escapes the run")
    void handlersError() {
        loop.setExceptionHandler((l, what) -> {
            throw new AssertionError("handler");
        });
        loop.callSoon(() -> {
            throw new IllegalStateException("boom");
        });
        assertThatThrownBy(this::runOneTick).isInstanceOf(AssertionError.class).hasMessage("handler");
    }

    @Test
    @DisplayName("TSK-49 the handler runs in the context of the task, or the callback, that failed")
    void context() {
        AtomicReference<Object> seen = new AtomicReference<>();
        loop.setExceptionHandler((l, what) -> seen.set(Asyncio.currentContext().getOrDefault("key", "none")));
        loop.callSoon(
                () -> {
                    throw new IllegalStateException("boom");
                },
                Context.of("key", "callback's"));
        runOneTick();
        assertThat(seen.get()).isEqualTo("callback's");
        Task<Integer> task = loop.createTask(async(() -> 1), null, Context.of("key", "task's"));
        loop.callSoon(() -> loop.callExceptionHandler(
                ExceptionContext.of("about a task").future(task).build()));
        runOneTick();
        assertThat(seen.get()).isEqualTo("task's");
        loop.callExceptionHandler(ExceptionContext.of("about nobody").build());
        assertThat(seen.get()).isEqualTo("none");
    }
}
