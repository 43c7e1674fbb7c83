package asyncio;

import static asyncio.Asyncio.async;
import static asyncio.Asyncio.await;
import static asyncio.Asyncio.createTask;
import static asyncio.Asyncio.currentTask;
import static asyncio.Asyncio.sleep;
import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Ctrl-C against a real JVM with its main thread in {@code run}. */
@Timeout(300)
class InterruptTest {
    /** The programs; each prints {@code ready} when it may be interrupted. */
    static final class Program {
        private Program() {}

        public static void main(String[] args) throws Exception {
            switch (args[0]) {
                case "waits" ->
                    Asyncio.run(() -> {
                        Future<Void> future = new Future<>();
                        future.addDoneCallback(done -> System.out.println("future " + done));
                        try {
                            System.out.println("ready");
                            await(future);
                        } finally {
                            await(sleep(Duration.ofMillis(1)));
                            System.out.println("cleaned up");
                        }
                    });
                case "spins" ->
                    Asyncio.run(() -> {
                        System.out.println("ready");
                        try {
                            while (true) {
                                await(sleep(Duration.ZERO));
                            }
                        } catch (CancelledException e) {
                            System.out.println("cancelled");
                            throw e;
                        }
                    });
                case "catches" -> {
                    try {
                        Asyncio.run(() -> {
                            System.out.println("ready");
                            await(new Future<Void>());
                        });
                    } catch (KeyboardInterruptException e) {
                        System.out.println("caught " + e.getMessage());
                    }
                    System.out.println("goes on");
                }
                case "refuses" ->
                    System.out.println("result "
                            + Asyncio.run(() -> {
                                try {
                                    System.out.println("ready");
                                    await(new Future<Void>());
                                } catch (CancelledException e) {
                                    return "of its own";
                                }
                                return "";
                            }));
                case "stubborn" ->
                    Asyncio.run(() -> {
                        System.out.println("ready");
                        while (true) {
                            try {
                                await(new Future<Void>());
                            } catch (CancelledException e) {
                                System.out.println("not yet");
                            }
                        }
                    });
                case "blocked" ->
                    Asyncio.run(() -> {
                        Task<?> main = currentTask();
                        new Thread(() -> tellWhenCancelled(main)).start();
                        System.out.println("ready");
                        Thread.sleep(Duration.ofHours(1).toMillis());
                    });
                case "cancelled" -> {
                    try {
                        Asyncio.run(() -> {
                            Task<?> main = currentTask();
                            createTask(async(() -> {
                                try {
                                    await(new Future<Void>());
                                } finally {
                                    main.cancel("by code");
                                }
                            }));
                            EventLoop.getRunningLoop().callSoon(() -> System.out.println("ready"));
                            try {
                                await(new Future<Void>());
                            } catch (CancelledException e) {
                                main.cancel("by code too");
                                await(sleep(Duration.ZERO));
                            }
                        });
                    } catch (CancelledException e) {
                        System.out.println("cancelled " + e.getMessage());
                    }
                }
                case "handles" ->
                    Asyncio.run(() -> {
                        Future<Void> interrupted = new Future<>();
                        EventLoop.getRunningLoop().addSignalHandler("INT", () -> interrupted.trySetResult(null));
                        System.out.println("ready");
                        await(interrupted);
                        System.out.println("handled");
                    });
                case "twice" -> {
                    try (Runner runner = new Runner()) {
                        for (int i = 0; i < 2; i++) {
                            try {
                                runner.run(() -> {
                                    System.out.println("ready");
                                    await(new Future<Void>());
                                });
                            } catch (KeyboardInterruptException e) {
                                System.out.println("interrupted");
                            }
                        }
                        System.out.println("result " + runner.run(sleep(Duration.ofMillis(1), "of the third run")));
                    }
                }
                case "afterwards" -> {
                    Asyncio.run(() -> {});
                    System.out.println("ready");
                    Thread.sleep(Duration.ofHours(1).toMillis());
                }
                default -> throw new IllegalArgumentException(args[0]);
            }
        }
    }

    private static void tellWhenCancelled(Task<?> task) {
        while (task.cancelling() == 0) {
            Thread.onSpinWait();
        }
        System.out.println("cancelling");
    }

    private static ChildJvm start(String program, String... options) throws Exception {
        ChildJvm.assumeSignals();
        ChildJvm started = ChildJvm.of(Program.class, program).options(options).start();
        started.expectLine("ready");
        return started;
    }

    @Test
    @DisplayName("RUN-18 Ctrl-C while main waits cancels what it waits for; cleanup awaits; the JVM ends with 130")
    void waits() throws Exception {
        try (ChildJvm child = start("waits")) {
            child.signal("INT");
            child.expectLine("future <Future cancelled>");
            child.expectLine("cleaned up");
            child.expectExit(130);
            assertThat(child.lines()).containsExactly("ready", "future <Future cancelled>", "cleaned up");
        }
    }

    @Test
    @DisplayName("RUN-17 Ctrl-C while main yields all the time")
    void spins() throws Exception {
        try (ChildJvm child = start("spins")) {
            child.signal("INT");
            child.expectLine("cancelled");
            child.expectExit(130);
        }
    }

    @Test
    void theExceptionCanBeCaughtAndTheProgramGoesOn() throws Exception {
        try (ChildJvm child = start("catches")) {
            child.signal("INT");
            child.expectLine("caught The program was cancelled by Ctrl-C (SIGINT)");
            child.expectLine("goes on");
            child.expectExit(0);
        }
    }

    @Test
    void aProgramThatCatchesTheCancellationHasRefused() throws Exception {
        try (ChildJvm child = start("refuses")) {
            child.signal("INT");
            child.expectLine("result of its own");
            child.expectExit(0);
        }
    }

    @Test
    @DisplayName("RUN-19 what code has cancelled as well stays a CancelledException")
    void alsoCancelledByCode() throws Exception {
        try (ChildJvm child = start("cancelled")) {
            child.signal("INT");
            child.expectLine("cancelled by code too");
            child.expectExit(0);
        }
    }

    @Test
    void theSecondCtrlCEndsAStubbornProgram() throws Exception {
        try (ChildJvm child = start("stubborn")) {
            child.signal("INT");
            child.expectLine("not yet");
            child.signal("INT");
            child.expectExit(130);
        }
    }

    @Test
    void theSecondCtrlCEndsAProgramThatBlocks() throws Exception {
        try (ChildJvm child = start("blocked")) {
            child.signal("INT");
            child.expectLine("cancelling");
            child.signal("INT");
            child.expectExit(130);
        }
    }

    @Test
    void aHandlerOfTheProgramComesFirst() throws Exception {
        try (ChildJvm child = start("handles")) {
            child.signal("INT");
            child.expectLine("handled");
            child.expectExit(0);
        }
    }

    @Test
    @DisplayName("each run of a Runner can be interrupted; its loop lives on")
    void everyRun() throws Exception {
        try (ChildJvm child = start("twice")) {
            child.signal("INT");
            child.expectLine("interrupted");
            child.expectLine("ready");
            child.signal("INT");
            child.expectLine("interrupted");
            child.expectLine("result of the third run");
            child.expectExit(0);
        }
    }

    @Test
    void afterTheRunCtrlCIsTheJvmsAgain() throws Exception {
        try (ChildJvm child = start("afterwards")) {
            child.signal("INT");
            child.expectExit(130);
        }
    }

    @Test
    @DisplayName("RUN-20 where SIGINT cannot be had, run works all the same, and Ctrl-C kills")
    void notToBeHad() throws Exception {
        try (ChildJvm child = start("spins", "-Xrs")) {
            child.signal("INT");
            child.expectExit(130);
            assertThat(child.lines()).containsExactly("ready");
        }
    }
}
