package asyncio;

import static asyncio.Asyncio.async;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.Semaphore;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.condition.DisabledOnOs;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import reactor.util.context.Context;

/** Uses signals that do nothing by default, so that they may be sent to this JVM. */
@Timeout(60)
@DisabledOnOs(value = OS.WINDOWS, disabledReason = "it has no such signals")
class SignalsTest {
    private static final String SIGNAL = "WINCH";
    private static final String OTHER = "URG";

    private EventLoop loop;
    /** The signals received by the handler that was installed before any of ours. */
    private final BlockingQueue<String> former = new LinkedBlockingQueue<>();

    private final Object formerHandler = RawSignals.handler(() -> former.add("former"));
    private Object systems;

    @BeforeEach
    void open() {
        systems = RawSignals.install(SIGNAL, formerHandler);
        loop = EventLoop.newEventLoop();
    }

    @AfterEach
    void close() {
        loop.close();
        assertThat(RawSignals.install(SIGNAL, systems))
                .as("a closed loop leaves what it found")
                .isSameAs(formerHandler);
    }

    /**
     * Raises a signal and waits until it is fully delivered: another loop, with a handler behind the existing ones, has
     * received it.
     */
    private static void raiseAndWait(String signal) throws Exception {
        try (LoopThread last = new LoopThread()) {
            CountDownLatch heard = new CountDownLatch(1);
            last.loop.addSignalHandler(signal, heard::countDown);
            RawSignals.raise(signal);
            heard.await();
        }
    }

    private void tick() {
        loop.stop();
        loop.runForever();
    }

    // ---- delivered

    @Test
    @DisplayName("LOOP-41 a signal wakes an idle loop and runs its handler there, once for each time")
    void wakesAnIdleLoop() throws Exception {
        try (LoopThread thread = new LoopThread()) {
            BlockingQueue<EventLoop> heard = new LinkedBlockingQueue<>();
            thread.loop.addSignalHandler(SIGNAL, () -> heard.add(EventLoop.getRunningLoop()));
            for (int i = 0; i < 100; i++) {
                RawSignals.raise(SIGNAL);
                assertThat(heard.take()).isSameAs(thread.loop); // the loop returns to select each time
            }
            assertThat(heard).isEmpty();
            assertThat(former).isEmpty();
        }
    }

    @Test
    @DisplayName("LOOP-41 as many signals as come, as many calls; they come with the context of the registration")
    void everySignalOnce() throws Exception {
        try (LoopThread thread = new LoopThread()) {
            AtomicInteger count = new AtomicInteger();
            Semaphore calls = new Semaphore(0);
            BlockingQueue<Object> contexts = new LinkedBlockingQueue<>();
            thread.loop.callSoon(
                    () -> thread.loop.addSignalHandler(SIGNAL, () -> {
                        count.incrementAndGet();
                        contexts.add(Asyncio.currentContext().get("user"));
                        calls.release();
                    }),
                    Context.of("user", "Ada"));
            CountDownLatch registered = new CountDownLatch(1);
            thread.loop.callSoonThreadsafe(registered::countDown);
            registered.await();
            for (int i = 0; i < 1000; i++) {
                RawSignals.raise(SIGNAL);
            }
            calls.acquire(1000);
            raiseAndWait(SIGNAL);
            calls.acquire();
            assertThat(count).hasValue(1001);
            assertThat(contexts).containsOnly("Ada");
        }
    }

    @Test
    void everyLoopThatHasAHandlerIsCalled() throws Exception {
        try (LoopThread one = new LoopThread();
                LoopThread two = new LoopThread()) {
            BlockingQueue<EventLoop> heard = new LinkedBlockingQueue<>();
            for (LoopThread thread : List.of(one, two)) {
                thread.loop.addSignalHandler(SIGNAL, () -> heard.add(EventLoop.getRunningLoop()));
            }
            RawSignals.raise(SIGNAL);
            assertThat(List.of(heard.take(), heard.take())).containsExactlyInAnyOrder(one.loop, two.loop);
            one.loop.removeSignalHandler(SIGNAL);
            RawSignals.raise(SIGNAL);
            assertThat(heard.take()).isSameAs(two.loop);
            assertThat(former).isEmpty();
        }
    }

    @Test
    void whatAHandlerThrowsGoesToTheExceptionHandler() throws Exception {
        List<ExceptionContext> handled = new ArrayList<>();
        loop.setExceptionHandler((l, what) -> handled.add(what));
        IllegalArgumentException boom = new IllegalArgumentException("boom");
        loop.addSignalHandler(SIGNAL, () -> {
            throw boom;
        });
        raiseAndWait(SIGNAL);
        tick();
        assertThat(handled).hasSize(1);
        assertThat(handled.get(0).exception()).isSameAs(boom);
        assertThat(handled.get(0).message()).startsWith("Exception in callback").contains("SIG" + SIGNAL);
    }

    @Test
    void inDebugModeItIsToldWhereTheHandlerWasAdded() throws Exception {
        List<ExceptionContext> handled = new ArrayList<>();
        loop.setDebug(true);
        loop.setExceptionHandler((l, what) -> handled.add(what));
        loop.addSignalHandler(SIGNAL, () -> {
            throw new IllegalArgumentException("boom");
        });
        raiseAndWait(SIGNAL);
        tick();
        assertThat(handled).hasSize(1);
        assertThat(handled.get(0).handle().toString()).contains("created at SignalsTest.java");
    }

    @Test
    void anotherHandlerOfTheSameLoopReplacesTheFirst() throws Exception {
        List<String> ran = new ArrayList<>();
        loop.addSignalHandler(SIGNAL, () -> ran.add("first"));
        raiseAndWait(SIGNAL);
        loop.addSignalHandler(SIGNAL, () -> ran.add("second"));
        raiseAndWait(SIGNAL);
        tick();
        assertThat(ran)
                .as("a signal is for the handler that was there when it came")
                .containsExactly("first", "second");
    }

    // ---- not delivered

    @Test
    @DisplayName("LOOP-40 remove returns true once, then false, and the former handler is back")
    void remove() throws Exception {
        loop.addSignalHandler(SIGNAL, () -> {});
        loop.addSignalHandler(OTHER, () -> {});
        assertThat(RawSignals.installed(SIGNAL)).isNotSameAs(formerHandler);
        assertThat(loop.removeSignalHandler(SIGNAL)).isTrue();
        assertThat(loop.removeSignalHandler(SIGNAL)).isFalse();
        assertThat(RawSignals.installed(SIGNAL)).isSameAs(formerHandler);
        RawSignals.raise(SIGNAL);
        assertThat(former.take()).isEqualTo("former");
        assertThat(loop.removeSignalHandler(OTHER)).isTrue();
        assertThat(loop.removeSignalHandler("CONT")).isFalse();
    }

    @Test
    void aSignalThatHasComeDoesNotRunAHandlerThatWasRemovedMeanwhile() throws Exception {
        List<String> ran = new ArrayList<>();
        loop.addSignalHandler(SIGNAL, () -> ran.add("removed"));
        raiseAndWait(SIGNAL);
        loop.addSignalHandler(SIGNAL, () -> ran.add("replaced and removed"));
        raiseAndWait(SIGNAL);
        loop.removeSignalHandler(SIGNAL);
        loop.addSignalHandler(SIGNAL, () -> ran.add("new"));
        raiseAndWait(SIGNAL);
        tick();
        assertThat(ran).containsExactly("new");
    }

    @Test
    void closeRemovesTheHandlersOfItsLoopOnly() throws Exception {
        try (LoopThread thread = new LoopThread()) {
            CountDownLatch heard = new CountDownLatch(1);
            List<String> ran = new ArrayList<>();
            loop.addSignalHandler(SIGNAL, () -> ran.add("closed"));
            loop.addSignalHandler(OTHER, () -> ran.add("closed"));
            Object handlerOfOther = RawSignals.installed(OTHER);
            thread.loop.addSignalHandler(SIGNAL, heard::countDown);
            raiseAndWait(OTHER);
            loop.close();
            RawSignals.raise(SIGNAL);
            heard.await();
            assertThat(ran).isEmpty();
            assertThat(loop.removeSignalHandler(SIGNAL)).isFalse();
            assertThat(RawSignals.installed(OTHER)).isNotSameAs(handlerOfOther);
        }
        assertThat(RawSignals.installed(SIGNAL)).isSameAs(formerHandler);
    }

    @Test
    void addRemoveCloseAndSignalsAtTheSameTime() throws Exception {
        int signals = 2000;
        AtomicBoolean over = new AtomicBoolean();
        BlockingQueue<Throwable> errors = new LinkedBlockingQueue<>();
        try (LoopThread steady = new LoopThread()) {
            Semaphore heard = new Semaphore(0);
            steady.loop.addSignalHandler(SIGNAL, heard::release);
            List<Thread> threads = new ArrayList<>();
            for (int i = 0; i < 3; i++) {
                threads.add(new Thread(() -> {
                    try {
                        while (!over.get()) {
                            try (LoopThread coming = new LoopThread()) {
                                for (int n = 0; n < 5; n++) {
                                    AtomicBoolean removed = new AtomicBoolean();
                                    coming.loop.addSignalHandler(SIGNAL, () -> {
                                        if (removed.get()) {
                                            errors.add(new AssertionError("a handler began after it was removed"));
                                        }
                                    });
                                    if (n < 4) {
                                        CountDownLatch onLoop = new CountDownLatch(1);
                                        coming.loop.callSoonThreadsafe(
                                                () -> { // on the loop: no callback is between its check and its first
                                                    // line
                                                    assertThat(coming.loop.removeSignalHandler(SIGNAL))
                                                            .isTrue();
                                                    removed.set(true);
                                                    onLoop.countDown();
                                                });
                                        onLoop.await();
                                    }
                                }
                            }
                        }
                    } catch (Throwable e) {
                        errors.add(e);
                    }
                }));
            }
            threads.forEach(Thread::start);
            for (int i = 0; i < signals; i++) {
                RawSignals.raise(SIGNAL);
            }
            over.set(true);
            for (Thread thread : threads) {
                thread.join();
            }
            heard.acquire(signals);
            assertThat(heard.availablePermits()).isZero();
            assertThat(errors).isEmpty();
            assertThat(former).as("there was a handler all the time").isEmpty();
        }
    }

    // ---- other handlers of signals

    @Test
    void whoeverTookTheSignalAfterUsKeepsIt() throws Exception {
        loop.addSignalHandler(SIGNAL, () -> {});
        BlockingQueue<String> heard = new LinkedBlockingQueue<>();
        Object theirs = RawSignals.handler(() -> heard.add("theirs"));
        Object ours = RawSignals.install(SIGNAL, theirs);
        loop.removeSignalHandler(SIGNAL);
        assertThat(RawSignals.installed(SIGNAL)).isSameAs(theirs);
        RawSignals.call(ours, SIGNAL);
        assertThat(former.take()).as("without handlers a signal is handed on").isEqualTo("former");
        RawSignals.install(SIGNAL, formerHandler);
    }

    @Test
    void aHandlerTakesTheSignalBackFromWhoeverTookItMeanwhile() throws Exception {
        try (LoopThread one = new LoopThread();
                LoopThread two = new LoopThread()) {
            BlockingQueue<String> heard = new LinkedBlockingQueue<>();
            one.loop.addSignalHandler(SIGNAL, () -> heard.add("one"));
            Object[] ours = new Object[1];
            Object theirs = RawSignals.handler(() -> {
                heard.add("theirs");
                RawSignals.call(ours[0], SIGNAL);
            });
            ours[0] = RawSignals.install(SIGNAL, theirs);
            two.loop.addSignalHandler(SIGNAL, () -> heard.add("two"));
            RawSignals.raise(SIGNAL);
            assertThat(List.of(heard.take(), heard.take())).containsExactlyInAnyOrder("one", "two");
            one.loop.removeSignalHandler(SIGNAL);
            two.loop.removeSignalHandler(SIGNAL);
            assertThat(RawSignals.installed(SIGNAL)).isSameAs(theirs);
            RawSignals.raise(SIGNAL);
            assertThat(former.take())
                    .as("theirs, then the former one by way of our first, and no circle")
                    .isEqualTo("former");
            assertThat(heard).containsExactly("theirs");
        }
        RawSignals.install(SIGNAL, formerHandler);
    }

    // ---- misuse

    @Test
    void namesWithAndWithoutSigInAnyCase() throws Exception {
        List<String> names = List.of("SIG" + SIGNAL, SIGNAL, "winch", "sigWinch");
        List<String> ran = new ArrayList<>();
        for (String name : names) {
            loop.addSignalHandler(name, () -> ran.add(name)); // one signal: each replaces the one before
        }
        raiseAndWait(SIGNAL);
        tick();
        assertThat(ran).containsExactly("sigWinch");
        for (String name : names) {
            assertThat(loop.removeSignalHandler(name)).isTrue();
            loop.addSignalHandler(SIGNAL, () -> {});
        }
    }

    @Test
    @EnabledOnOs(OS.LINUX)
    void aSignalWithTwoNamesIsOneSignal() throws Exception {
        List<String> ran = new ArrayList<>();
        loop.addSignalHandler("IO", () -> ran.add("IO"));
        loop.addSignalHandler("POLL", () -> ran.add("POLL"));
        raiseAndWait("IO");
        tick();
        assertThat(ran).containsExactly("POLL");
        assertThat(loop.removeSignalHandler("IO")).isTrue();
        assertThat(loop.removeSignalHandler("POLL")).isFalse();
    }

    @Test
    @DisplayName("LOOP-40 names that no signal has are refused")
    void unknownNames() {
        for (String name : List.of("FOO", "SIGFOO", "", "SIG", "SIGSIGINT", "2")) {
            assertThatThrownBy(() -> loop.addSignalHandler(name, () -> {}))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessageContaining("no signal " + name + ":");
            assertThatThrownBy(() -> loop.removeSignalHandler(name)).isInstanceOf(IllegalArgumentException.class);
        }
        assertThatThrownBy(() -> loop.addSignalHandler(null, () -> {}))
                .isInstanceOf(NullPointerException.class)
                .hasMessage("signal");
        assertThatThrownBy(() -> loop.addSignalHandler(SIGNAL, null))
                .isInstanceOf(NullPointerException.class)
                .hasMessage("callback");
        assertThatThrownBy(() -> loop.removeSignalHandler(null))
                .isInstanceOf(NullPointerException.class)
                .hasMessage("signal");
    }

    @Test
    @EnabledOnOs(OS.LINUX)
    @DisplayName("LOOP-40 signals that the system or the JVM needs are refused, and stay theirs")
    void keptSignals() {
        for (String name : List.of("KILL", "STOP", "QUIT", "SEGV", "FPE", "ILL", "BUS", "USR2", "PIPE", "XFSZ")) {
            assertThatThrownBy(() -> loop.addSignalHandler(name, () -> {}))
                    .as(name)
                    .isInstanceOf(IllegalStateException.class)
                    .hasMessageContaining("SIG" + name + " cannot be handled")
                    .hasMessageContaining("keeps it for itself");
            assertThat(loop.removeSignalHandler(name)).isFalse();
        }
        for (String name : List.of("BUS", "USR2")) {
            assertThat(RawSignals.installed(name)).as(name).matches(handler -> JvmSignals.INSTANCE.isNative(handler));
        }
    }

    @Test
    @DisplayName("LOOP-10 a closed loop refuses handlers")
    void closedLoop() {
        loop.close();
        assertThatThrownBy(() -> loop.addSignalHandler(SIGNAL, () -> {}))
                .isInstanceOf(IllegalStateException.class)
                .hasMessageContaining("closed");
        assertThat(loop.removeSignalHandler(SIGNAL)).isFalse();
    }

    @Test
    @DisplayName("LOOP-42 a coroutine that a handler makes and nobody awaits is reported")
    void forgottenCoroutine() throws Exception {
        try (LogCapture log = new LogCapture()) {
            loop.addSignalHandler(SIGNAL, () -> async(() -> "never"));
            raiseAndWait(SIGNAL);
            tick();
            Collector.collectUntil(
                    () -> !log.forgotten("made at asyncio.SignalsTest").isEmpty());
            assertThat(log.forgotten("made at asyncio.SignalsTest"))
                    .singleElement()
                    .asString()
                    .contains("was never awaited");
        }
    }
}
