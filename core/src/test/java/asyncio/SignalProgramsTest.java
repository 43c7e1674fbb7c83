package asyncio;

import static asyncio.Asyncio.await;
import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.Objects;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Signals that would end the JVM, and JVMs that cannot handle signals: each in a child process. */
@Timeout(300)
class SignalProgramsTest {
    private static final int INTERRUPTED = 130;

    @BeforeEach
    void signals() throws Exception {
        ChildJvm.assumeSignals();
    }

    private static void say(String line) {
        System.out.println(line);
    }

    /** Prints a line for each refused signal, with the reason. */
    private static void tryToAdd(EventLoop loop, String... signals) {
        for (String signal : signals) {
            try {
                loop.addSignalHandler(signal, () -> {});
                say("handles " + signal);
            } catch (IllegalStateException e) {
                say("refused " + signal + ": " + e.getMessage());
            }
        }
    }

    private static boolean interruptIsTheJvms() {
        return Objects.requireNonNull(JvmSignals.INSTANCE).endsTheJvm(RawSignals.installed("INT"));
    }

    private static String onlyLine(ChildJvm child, String start) {
        List<String> lines =
                child.lines().stream().filter(line -> line.startsWith(start)).toList();
        assertThat(lines).as(child.toString()).hasSize(1);
        return lines.get(0);
    }

    // ---- handlers of loops

    static final class Server {
        public static void main(String[] arguments) throws Exception {
            Asyncio.run(() -> {
                EventLoop loop = EventLoop.getRunningLoop();
                Future<String> ended = loop.createFuture();
                for (String signal : arguments) {
                    loop.addSignalHandler(signal, () -> ended.trySetResult(signal));
                }
                say("ready");
                say("ended by " + await(ended));
            });
            say("left");
        }
    }

    @Test
    @DisplayName("LOOP-41 Ctrl-C, and kill, wake a program that has handlers for them, and it ends as it likes")
    void endsInItsOwnWay() throws Exception {
        for (String signal : List.of("INT", "TERM", "USR1")) {
            try (ChildJvm child =
                    ChildJvm.of(Server.class, "INT", "TERM", "USR1").start()) {
                child.expectLine("ready");
                child.signal(signal);
                child.expectExit(0);
                assertThat(child.lines()).containsExactly("ready", "ended by " + signal, "left");
            }
        }
    }

    static final class Removing {
        public static void main(String[] arguments) {
            EventLoop loop = EventLoop.newEventLoop();
            loop.addSignalHandler("INT", () -> {
                say("interrupted");
                loop.removeSignalHandler("INT");
                say("removed");
            });
            loop.callSoon(() -> say("ready"));
            loop.runForever();
        }
    }

    @Test
    @DisplayName("LOOP-40 without its last handler a signal ends the JVM again")
    void endsTheJvmAgain() throws Exception {
        try (ChildJvm child = ChildJvm.of(Removing.class).start()) {
            child.expectLine("ready");
            child.signal("INT");
            child.expectLine("removed");
            child.signal("INT");
            child.expectExit(INTERRUPTED);
            assertThat(child.lines()).containsExactly("ready", "interrupted", "removed");
        }
    }

    static final class Closing {
        public static void main(String[] arguments) throws Exception {
            Asyncio.run(() -> EventLoop.getRunningLoop().addSignalHandler("INT", () -> say("too late")));
            say("closed");
            new CountDownLatch(1).await();
        }
    }

    @Test
    void aClosedLoopLeavesCtrlCToTheJvm() throws Exception {
        try (ChildJvm child = ChildJvm.of(Closing.class).start()) {
            child.expectLine("closed");
            child.signal("INT");
            child.expectExit(INTERRUPTED);
            assertThat(child.lines()).containsExactly("closed");
        }
    }

    // ---- JVMs without signals

    static final class Trying {
        public static void main(String[] arguments) {
            EventLoop loop = EventLoop.newEventLoop();
            tryToAdd(loop, arguments);
            say("interception " + (Signals.interceptInterrupt(self -> {}) == null ? "refused" : "installed"));
            loop.close();
        }
    }

    @Test
    void withReducedSignalsTheJvmCallsNobodyAndItIsSaid() throws Exception {
        try (ChildJvm child = ChildJvm.of(Trying.class, "INT", "USR1", "WINCH")
                .options("-Xrs")
                .start()) {
            child.expectLine("interception refused");
            child.expectExit(0);
            for (String signal : List.of("INT", "USR1", "WINCH")) {
                assertThat(onlyLine(child, "refused " + signal))
                        .contains("-Xrs")
                        .contains("SIG" + signal + " would never arrive")
                        .contains("Start it without");
            }
        }
    }

    @Test
    void anInterruptThatIsIgnoredFromTheStartCannotBeHad() throws Exception {
        try (ChildJvm child = ChildJvm.of(Trying.class, "INT", "TERM", "USR1")
                .ignoring("INT")
                .ignoring("USR1")
                .start()) {
            child.expectLine("interception refused");
            child.expectExit(0);
            assertThat(onlyLine(child, "refused INT"))
                    .contains("SIGINT ignored")
                    .contains("nohup")
                    .contains("another signal");
            assertThat(child.lines()).contains("handles TERM", "handles USR1");
        }
    }

    @Test
    void withoutTheModuleThatHasSignalsItIsSaid() throws Exception {
        try (ChildJvm child = ChildJvm.of(Trying.class, "INT", "FOO")
                .options("--limit-modules", "java.base,java.logging")
                .start()) {
            child.expectLine("interception refused");
            child.expectExit(0);
            assertThat(onlyLine(child, "refused INT"))
                    .contains("jdk.unsupported")
                    .contains("--add-modules");
        }
    }

    static final class RefusingThenHandling {
        public static void main(String[] arguments) throws Exception {
            EventLoop loop = EventLoop.newEventLoop();
            tryToAdd(loop, "USR2", "BUS", "USR1");
            say("the JVM's own: " + interruptIsTheJvms());
            say("ready");
            new CountDownLatch(1).await();
        }
    }

    @Test
    void whatWasTriedAndRefusedLeavesTheJvmItsInterrupt() throws Exception {
        try (ChildJvm child = ChildJvm.of(RefusingThenHandling.class).start()) {
            child.expectLine("the JVM's own: true");
            child.expectLine("ready");
            child.signal("INT");
            child.expectExit(INTERRUPTED);
        }
    }

    // ---- interceptions

    static final class Intercepting {
        public static void main(String[] arguments) throws Exception {
            EventLoop loop = EventLoop.newEventLoop();
            String scenario = arguments[0];
            AtomicInteger count = new AtomicInteger();
            Consumer<Signals.Interception> onInterrupt = switch (scenario) {
                case "passOn" ->
                    self -> {
                        say("intercepted " + count.incrementAndGet());
                        if (count.get() == 2) {
                            self.passOn();
                            say("not reached");
                        }
                    };
                case "restoreInside" ->
                    self -> {
                        self.restore();
                        self.restore();
                        say("restored");
                    };
                case "passOnAfterRestore" ->
                    self -> {
                        self.restore();
                        self.passOn();
                    };
                default -> self -> say("intercepted");
            };
            Signals.Interception interception = Signals.interceptInterrupt(onInterrupt);
            if (interception == null) {
                throw new AssertionError("no interception");
            }
            switch (scenario) {
                case "restore" -> {
                    interception.restore();
                    interception.restore();
                    say("the JVM's own: " + interruptIsTheJvms());
                }
                case "explicit" ->
                    loop.addSignalHandler("INT", () -> {
                        say("handled");
                        loop.removeSignalHandler("INT");
                        say("removed");
                    });
                case "restoreUnderExplicit" -> {
                    loop.addSignalHandler("INT", () -> {
                        say("handled");
                        loop.removeSignalHandler("INT");
                        say("removed");
                    });
                    interception.restore();
                }
                case "two" -> Signals.interceptInterrupt(self -> say("intercepted by the second"));
                default -> {}
            }
            loop.callSoon(() -> say("ready"));
            loop.runForever();
        }
    }

    @Test
    void anInterceptionHearsInterruptsUntilItPassesOneOn() throws Exception {
        try (ChildJvm child = ChildJvm.of(Intercepting.class, "passOn").start()) {
            child.expectLine("ready");
            child.signal("INT");
            child.expectLine("intercepted 1");
            child.signal("INT");
            child.expectExit(INTERRUPTED);
            assertThat(child.lines()).containsExactly("ready", "intercepted 1", "intercepted 2");
        }
    }

    @Test
    void restoreGivesTheInterruptBackToTheJvm() throws Exception {
        try (ChildJvm child = ChildJvm.of(Intercepting.class, "restore").start()) {
            child.expectLine("ready");
            child.signal("INT");
            child.expectExit(INTERRUPTED);
            assertThat(child.lines()).containsExactly("the JVM's own: true", "ready");
        }
    }

    @Test
    void restoreAndPassOnWhileAnInterruptIsHandled() throws Exception {
        try (ChildJvm child = ChildJvm.of(Intercepting.class, "restoreInside").start()) {
            child.expectLine("ready");
            child.signal("INT");
            child.expectLine("restored");
            child.signal("INT");
            child.expectExit(INTERRUPTED);
            assertThat(child.lines()).containsExactly("ready", "restored");
        }
        try (ChildJvm child =
                ChildJvm.of(Intercepting.class, "passOnAfterRestore").start()) {
            child.expectLine("ready");
            child.signal("INT");
            child.expectExit(INTERRUPTED);
        }
    }

    @Test
    void aHandlerOfALoopComesBeforeAnInterception() throws Exception {
        try (ChildJvm child = ChildJvm.of(Intercepting.class, "explicit").start()) {
            child.expectLine("ready");
            child.signal("INT");
            child.expectLine("removed");
            child.signal("INT");
            child.expectLine("intercepted");
            assertThat(child.lines()).containsExactly("ready", "handled", "removed", "intercepted");
            child.signal("TERM");
            child.expectExit(143);
        }
        try (ChildJvm child =
                ChildJvm.of(Intercepting.class, "restoreUnderExplicit").start()) {
            child.expectLine("ready");
            child.signal("INT");
            child.expectLine("removed");
            child.signal("INT");
            child.expectExit(INTERRUPTED);
        }
    }

    @Test
    void allInterceptionsAreTold() throws Exception {
        try (ChildJvm child = ChildJvm.of(Intercepting.class, "two").start()) {
            child.expectLine("ready");
            child.signal("INT");
            child.expectLine("intercepted");
            child.expectLine("intercepted by the second");
            child.signal("TERM");
            child.expectExit(143);
        }
    }

    static final class Taken {
        public static void main(String[] arguments) throws Exception {
            EventLoop loop = EventLoop.newEventLoop();
            loop.addSignalHandler("INT", () -> {});
            say("with a loop's handler " + Signals.interceptInterrupt(self -> say("intercepted")));
            loop.close();
            CountDownLatch theirs = new CountDownLatch(1);
            Object former = RawSignals.install("INT", RawSignals.handler(theirs::countDown));
            say("with another's handler " + Signals.interceptInterrupt(self -> say("intercepted")));
            RawSignals.raise("INT");
            theirs.await();
            RawSignals.install("INT", former);
            say("with the JVM's own again " + (Signals.interceptInterrupt(self -> {}) != null));
        }
    }

    @Test
    void onlyTheJvmsOwnHandlerIsTakenOver() throws Exception {
        try (ChildJvm child = ChildJvm.of(Taken.class).start()) {
            child.expectLine("with a loop's handler null");
            child.expectLine("with another's handler null");
            child.expectLine("with the JVM's own again true");
            child.expectExit(0);
            assertThat(child.lines()).doesNotContain("intercepted");
        }
    }
}
