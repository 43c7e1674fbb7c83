package asyncio;

import static asyncio.Asyncio.async;
import static asyncio.Asyncio.await;
import static asyncio.Asyncio.createTask;
import static asyncio.Asyncio.sleep;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import asyncio.internal.loop.BodyThreads;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import jdk.jfr.Recording;
import jdk.jfr.consumer.RecordedEvent;
import jdk.jfr.consumer.RecordingFile;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import reactor.core.publisher.Mono;

/** Recordings of the events of loops, read back. */
@Timeout(60)
class FlightEventsTest {
    @TempDir
    Path directory;

    /** Returns the events of a recording with the given ones enabled. */
    private List<RecordedEvent> record(Body body, String... on) throws Exception {
        Path file = Files.createTempFile(directory, "recording", ".jfr");
        try (Recording recording = new Recording()) {
            for (String name : on) {
                recording.enable("asyncio." + name).withoutThreshold();
            }
            recording.enable("asyncio.PermitDropped");
            recording.start();
            // where loops carry bodies the JDK drops the first event after a body of an earlier test: this one
            Flight.permitDropped("not looked at");
            body.run();
            recording.stop();
            recording.dump(file);
        }
        List<RecordedEvent> events = new ArrayList<>(RecordingFile.readAllEvents(file)); // in no particular order
        events.removeIf(event -> !event.getEventType().getName().startsWith("asyncio.")
                || Arrays.stream(on).noneMatch(event.getEventType().getName()::endsWith));
        return events;
    }

    private static List<RecordedEvent> of(EventLoop loop, List<RecordedEvent> events) {
        return events.stream()
                .filter(event -> loop.getName().equals(event.getString("loop")))
                .toList();
    }

    @Test
    void endsOfTasksWithTheirOutcomesAndLengths() throws Exception {
        EventLoop loop = EventLoop.newEventLoop();
        List<RecordedEvent> events = of(
                loop,
                record(
                        () -> loop.runUntilComplete(async(() -> {
                            await(createTask(sleep(Duration.ofMillis(20)), "sleeps"));
                            Task<Integer> fails = createTask(
                                    async(() -> {
                                        throw new IOException("boom");
                                    }),
                                    "fails");
                            assertThatThrownBy(() -> await(fails)).hasMessage("boom");
                            Task<Void> cut = createTask(sleep(Duration.ofHours(1)), "cut");
                            await(sleep(Duration.ZERO));
                            cut.cancel("enough");
                            await(cut.cancelAndJoin());
                        })),
                        "TaskEnd"));
        // the recorder drops the first event of the loop's thread after that of a body, as docs/observing.md says
        boolean all = BodyThreads.KIND != BodyThreads.Kind.CARRIER;
        List<String> ends = events.stream()
                .map(event -> event.getString("name") + " " + event.getString("outcome"))
                .toList();
        assertThat(ends).contains("sleeps result", "fails exception");
        if (all) {
            assertThat(ends).contains("cut cancelled");
        }
        assertThat(ends).hasSizeBetween(all ? 4 : 3, 4);
        assertThat(events)
                .filteredOn(event -> event.getString("outcome").equals("result"))
                .hasSize(2)
                .allSatisfy(event -> {
                    assertThat(event.getDuration()).isGreaterThanOrEqualTo(Duration.ofMillis(20));
                    assertThat(event.getLong("id")).isPositive();
                });
        assertThat(FlightEvents.wantsTaskEnd()).isFalse();
        loop.close();
    }

    private static void compute(Duration time) {
        long end = System.nanoTime() + time.toNanos();
        while (System.nanoTime() < end) {
            Thread.onSpinWait();
        }
    }

    @Test
    void stepsOfATaskAndTheTimeThatTheyTook() throws Exception {
        EventLoop loop = EventLoop.newEventLoop();
        Duration each = Duration.ofMillis(5);
        List<RecordedEvent> events = of(
                loop,
                record(
                        () -> {
                            loop.createTask(
                                    Mono.fromRunnable(() -> compute(each))
                                            .then(sleep(Duration.ofMillis(20)))
                                            .doFinally(signal -> compute(each)),
                                    "mono");
                            loop.createTask(
                                    TaskGroup.scope(group -> Mono.fromRunnable(() -> compute(each))
                                            .then(sleep(Duration.ofMillis(20)))),
                                    "scope");
                            loop.runUntilComplete(loop.createTask(
                                    async(() -> {
                                        for (int i = 0; i < 3; i++) {
                                            compute(each);
                                            await(sleep(Duration.ofMillis(20)));
                                        }
                                    }),
                                    "body"));
                        },
                        "TaskEnd"));
        assertThat(events)
                .filteredOn(event -> event.getString("name").equals("body"))
                .singleElement()
                .satisfies(event -> {
                    assertThat(event.getInt("steps")).isEqualTo(4);
                    assertThat(event.getDuration("runNanos"))
                            .isGreaterThanOrEqualTo(each.multipliedBy(3))
                            .isLessThan(event.getDuration());
                });
        assertThat(events)
                .filteredOn(event -> event.getString("name").equals("mono"))
                .singleElement()
                .satisfies(event -> {
                    assertThat(event.getInt("steps")).isEqualTo(2);
                    assertThat(event.getDuration("runNanos"))
                            .isGreaterThanOrEqualTo(each)
                            .isLessThan(event.getDuration());
                });
        assertThat(events)
                .filteredOn(event -> event.getString("name").equals("scope"))
                .singleElement()
                .satisfies(event -> {
                    assertThat(event.getInt("steps")).isGreaterThanOrEqualTo(2);
                    assertThat(event.getDuration("runNanos"))
                            .isGreaterThanOrEqualTo(each)
                            .isLessThan(event.getDuration());
                });
        loop.close();
    }

    @Test
    void aTaskOlderThanTheRecordingHasNoLengthAndNoSteps() throws Exception {
        EventLoop loop = EventLoop.newEventLoop();
        Future<Integer> gate = loop.createFuture();
        Task<Integer> old = loop.createTask(gate, "old");
        loop.stop();
        loop.runForever();
        List<RecordedEvent> events = of(
                loop,
                record(
                        () -> {
                            gate.setResult(1);
                            assertThat(loop.runUntilComplete(old)).isEqualTo(1);
                        },
                        "TaskEnd"));
        assertThat(events).singleElement().satisfies(event -> {
            assertThat(event.getString("name")).isEqualTo("old");
            assertThat(event.getDuration()).isZero();
            assertThat(event.getInt("steps")).isZero();
            assertThat(event.getDuration("runNanos")).isZero();
        });
        loop.close();
    }

    @Test
    void aTaskThatIsRecordedHasItsNameAndTakesAnother() throws Exception {
        EventLoop loop = EventLoop.newEventLoop();
        List<Task<?>> tasks = new ArrayList<>();
        List<RecordedEvent> events = of(
                loop,
                record(
                        () -> {
                            Task<Integer> named = loop.createTask(Mono.just(1), "first");
                            Task<Integer> unnamed = loop.createTask(Mono.just(2));
                            assertThat(named.getName()).isEqualTo("first");
                            assertThat(unnamed.getName()).isEqualTo("Task-" + unnamed.getId());
                            named.setName("second");
                            assertThat(named.getName()).isEqualTo("second");
                            tasks.add(named);
                            tasks.add(unnamed);
                            loop.stop();
                            loop.runForever();
                        },
                        "TaskEnd"));
        assertThat(events)
                .extracting(event -> event.getString("name"))
                .containsExactlyInAnyOrder("second", "Task-" + tasks.get(1).getId());
        tasks.get(0).setName("third");
        assertThat(tasks.get(0).getName()).isEqualTo("third");
        loop.close();
    }

    @Test
    void requestsToCancelWithTheTaskThatMadeThem() throws Exception {
        EventLoop loop = EventLoop.newEventLoop();
        List<RecordedEvent> events = of(
                loop,
                record(
                        () -> {
                            Task<Void> cut = loop.createTask(sleep(Duration.ofHours(1)), "cut");
                            loop.runUntilComplete(loop.createTask(async(() -> cut.cancel("enough")), "canceller"));
                            loop.stop();
                            loop.runForever();
                        },
                        "Cancel"));
        assertThat(events)
                .filteredOn(event -> "enough".equals(event.getString("message")))
                .singleElement()
                .satisfies(event -> {
                    assertThat(event.getString("name")).isEqualTo("cut");
                    assertThat(event.getString("by")).isEqualTo("canceller");
                });
        loop.close();
    }

    @Test
    void mistakesWithTheirExceptionsEachOnce() throws Exception {
        EventLoop loop = EventLoop.newEventLoop();
        loop.setExceptionHandler((l, what) -> {});
        loop.setDebug(true);
        List<RecordedEvent> events;
        try (LogCapture log = new LogCapture()) {
            events = of(
                    loop,
                    record(
                            () -> {
                                loop.callSoon(() -> {
                                    throw new IllegalStateException("of a callback");
                                });
                                loop.stop();
                                loop.runForever();
                                forget(loop);
                                int before = log.forgotten("FlightEventsTest.forgettable")
                                        .size();
                                Collector.collectUntil(() -> log.forgotten("FlightEventsTest.forgettable")
                                                .size()
                                        > before);
                                Collector.collectUntil(
                                        () -> Leftovers.takeForgotten(loop).isEmpty());
                            },
                            "ExceptionUnhandled",
                            "NeverAwaited",
                            "NeverRetrieved"));
        }
        assertThat(events)
                .filteredOn(event -> event.getEventType().getName().equals("asyncio.ExceptionUnhandled"))
                .singleElement()
                .satisfies(event -> {
                    assertThat(event.getString("message")).startsWith("Exception in callback ");
                    assertThat(event.getString("exception")).isEqualTo("java.lang.IllegalStateException");
                    assertThat(event.getString("exceptionMessage")).isEqualTo("of a callback");
                    assertThat(event.getString("origin")).contains("FlightEventsTest");
                });
        assertThat(events)
                .filteredOn(event -> event.getEventType().getName().equals("asyncio.NeverAwaited"))
                .singleElement()
                .satisfies(event -> assertThat(event.getString("message"))
                        .contains("forgettable")
                        .contains("never awaited"));
        assertThat(events)
                .filteredOn(event -> event.getEventType().getName().equals("asyncio.NeverRetrieved"))
                .singleElement()
                .satisfies(
                        event -> assertThat(event.getString("exceptionMessage")).isEqualTo("nobody looks"));
        loop.close();
    }

    private static void forget(EventLoop loop) throws Exception {
        loop.runUntilComplete(async(() -> {
            forgettable().hashCode();
            EventLoop.getRunningLoop().createFuture().setException(new IOException("nobody looks"));
        }));
        LeakDetector.reportAtEndOf(loop.events);
        loop.stop();
        loop.runForever();
    }

    private static Mono<Integer> forgettable() {
        return async(() -> 1);
    }

    @Test
    void slowStepsAndLoopsThatAreStuckWithTheirStacks() throws Exception {
        EventLoop loop = EventLoop.newEventLoop();
        StackTraceElement[] stack = new Throwable().getStackTrace();
        List<RecordedEvent> events = of(
                loop,
                record(
                        () -> {
                            assertThat(loop.events.wantsSlowSteps()).isTrue();
                            loop.events.slow(null, Duration.ofMillis(150).toNanos(), List.of(stack));
                            loop.events.stuck(false, Duration.ofSeconds(1).toNanos(), List.of(stack));
                        },
                        "SlowStep",
                        "Stuck"));
        assertThat(events).hasSize(2);
        assertThat(events)
                .filteredOn(event -> event.getEventType().getName().equals("asyncio.SlowStep"))
                .singleElement()
                .satisfies(event -> {
                    assertThat(event.getDuration("took")).isEqualTo(Duration.ofMillis(150));
                    assertThat(event.getString("stack")).contains("FlightEventsTest.slowSteps");
                });
        assertThat(events)
                .filteredOn(event -> event.getEventType().getName().equals("asyncio.Stuck"))
                .singleElement()
                .satisfies(event -> {
                    assertThat(event.getDuration("lasted")).isEqualTo(Duration.ofSeconds(1));
                    assertThat(event.getString("kind")).isEqualTo("step");
                });
        assertThat(loop.events.wantsSlowSteps()).isFalse();
        loop.close();
    }

    @Test
    void lagWithTheLengthOfTheReadyQueue() throws Exception {
        EventLoop loop = EventLoop.newEventLoop();
        List<RecordedEvent> events = of(
                loop,
                record(
                        () -> {
                            loop.events.lagProbe().look(1);
                            loop.callSoon(() -> {});
                            loop.stop();
                            loop.runForever();
                        },
                        "LoopLag"));
        assertThat(events).singleElement().satisfies(event -> {
            assertThat(event.getDuration()).isPositive();
            assertThat(event.getInt("queued")).isNotNegative();
        });
        loop.close();
    }

    @Test
    void whatThereIsAtIntervals() throws Exception {
        CountDownLatch end = new CountDownLatch(1);
        try (LoopThread thread = new LoopThread()) {
            Task<Void> sleeping = thread.loop.createTask(sleep(Duration.ofHours(1)), "sleeping");
            Task<Void> waiting = thread.loop.createTask(
                    async(() -> {
                        await(sleeping);
                    }),
                    "waiting");
            while (waiting.awaits() == null) {
                Thread.onSpinWait();
            }
            Path file = directory.resolve("periodic.jfr");
            try (Recording recording = new Recording()) {
                recording.enable("asyncio.LoopStatistics").with("period", "everyChunk");
                recording.enable("asyncio.TaskSnapshot");
                recording.start();
                thread.loop.events.wantsLag(); // as the watchdog does at its next check
                recording.stop();
                recording.dump(file);
            }
            List<RecordedEvent> events = of(
                    thread.loop,
                    RecordingFile.readAllEvents(file).stream()
                            .filter(event -> event.getEventType().getName().startsWith("asyncio."))
                            .toList());
            assertThat(events)
                    .filteredOn(event -> event.getEventType().getName().equals("asyncio.LoopStatistics"))
                    .isNotEmpty()
                    .allSatisfy(event -> assertThat(event.getInt("tasks")).isEqualTo(2));
            assertThat(events)
                    .filteredOn(event -> "sleeping".equals(event.hasField("name") ? event.getString("name") : ""))
                    .isNotEmpty()
                    .allSatisfy(event -> {
                        assertThat(event.getString("awaits")).contains("sleep");
                        assertThat(event.getString("awaiters")).isEqualTo(Long.toString(waiting.getId()));
                    });
            assertThat(events)
                    .filteredOn(event -> "waiting".equals(event.hasField("name") ? event.getString("name") : ""))
                    .isNotEmpty()
                    .allSatisfy(event -> {
                        assertThat(event.getString("awaits")).isEqualTo("sleeping");
                        assertThat(event.getString("topFrame")).contains("FlightEventsTest");
                    });
            thread.loop.callSoonThreadsafe(() -> {
                waiting.cancel();
                end.countDown();
            });
            end.await();
        }
    }

    @Test
    void defaultsOfTheTable() throws Exception {
        Flight.permitDropped("loads the classes");
        assertThat(jdk.jfr.FlightRecorder.getFlightRecorder().getEventTypes())
                .filteredOn(type -> type.getName().startsWith("asyncio."))
                .allSatisfy(type -> {
                    assertThat(type.getCategoryNames()).containsExactly("asyncio");
                    assertThat(type.getLabel()).isNotBlank();
                    boolean on = type.getSettingDescriptors().stream()
                            .filter(setting -> setting.getName().equals("enabled"))
                            .allMatch(setting -> setting.getDefaultValue().equals("true"));
                    assertThat(on)
                            .as(type.getName())
                            .isNotEqualTo(List.of("asyncio.TaskEnd", "asyncio.TaskSnapshot", "asyncio.Cancel")
                                    .contains(type.getName()));
                });
    }
}
