package asyncio;

import static asyncio.Asyncio.async;
import static asyncio.Asyncio.await;
import static asyncio.Asyncio.sleep;

import java.time.Duration;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import reactor.core.publisher.Mono;

/**
 * Rounds of randomly chosen operations on one loop; each has its expected outcome. A round has ended when all of its
 * operations have.
 */
final class MixedWork implements AutoCloseable {
    private static final int ROUND = 1_000;
    private static final int FOREIGN_THREADS = 2;
    private static final Duration FAR = Duration.ofHours(1);
    private static final Duration STUCK = Duration.ofSeconds(60);

    /** The kinds of operations, with their percentages. */
    enum Kind {
        CALLBACK(21),
        CANCELLED_CALLBACK(5),
        TIMER(8),
        CANCELLED_TIMER(10),
        FOREIGN_CALLBACK(15),
        FUTURE(8),
        FOREIGN_FUTURE(4),
        MONO_TASK(7),
        CANCELLED_MONO_TASK(4),
        FAILING_MONO_TASK(3),
        BODY(4),
        AWAITING_BODY(4),
        CANCELLED_BODY(3),
        FAILING_BODY(2),
        FORGOTTEN_FAILURE(1),
        CANCELLED_BY_ANOTHER_THREAD(1);

        private static final Kind[] OF_A_HUNDRED = new Kind[100];

        static {
            int n = 0;
            for (Kind kind : values()) {
                for (int i = 0; i < kind.share; i++) {
                    OF_A_HUNDRED[n++] = kind;
                }
            }
        }

        private final int share;

        Kind(int share) {
            this.share = share;
        }
    }

    private static final class Expected extends Exception {
        private static final long serialVersionUID = 1;

        Expected(int number) {
            super("expected " + number, null, false, false);
        }
    }

    private final EventLoop loop;
    private final Random random;
    private final ExecutorService foreign = Executors.newFixedThreadPool(FOREIGN_THREADS);
    private final List<List<Runnable>> foreignWork = new ArrayList<>();
    private final Map<Kind, Long> counts = new EnumMap<>(Kind.class);
    /** The operations left in this round, by kind. */
    private final int[] left = new int[Kind.values().length];

    private int leftInAll;
    private long operations;
    private long forgottenAndTold;
    private Future<Void> roundIsOver;

    MixedWork(EventLoop loop, long seed) {
        this.loop = loop;
        this.random = new Random(seed);
        this.roundIsOver = loop.createFuture();
        for (int i = 0; i < FOREIGN_THREADS; i++) {
            foreignWork.add(new ArrayList<>());
        }
        loop.setExceptionHandler((here, what) -> {
            if (what.exception() instanceof Expected) {
                forgottenAndTold++;
            } else {
                fail("The exception handler was told: " + what);
            }
        });
    }

    /** Returns the number of operations that have ended. */
    long operations() {
        return operations;
    }

    Map<Kind, Long> counts() {
        return counts;
    }

    /** Returns the number of unretrieved failures that have not reached the exception handler yet. */
    long forgottenAndNotTold() {
        return counts.getOrDefault(Kind.FORGOTTEN_FAILURE, 0L) - forgottenAndTold;
    }

    @Override
    public void close() {
        foreign.shutdownNow();
    }

    /** Called in a body. */
    void runUntil(long count) throws Exception {
        while (operations < count) {
            runRound();
        }
    }

    private void runRound() throws Exception {
        roundIsOver = loop.createFuture();
        TimerHandle watch =
                loop.callLater(STUCK, () -> fail("The round does not end; not ended, by kind: " + leftByKind()));
        for (int i = 0; i < ROUND; i++) {
            Kind kind = Kind.OF_A_HUNDRED[random.nextInt(100)];
            left[kind.ordinal()]++;
            leftInAll++;
            counts.merge(kind, 1L, Long::sum);
            begin(kind, random.nextInt(1_000_000));
        }
        for (List<Runnable> work : foreignWork) {
            List<Runnable> batch = List.copyOf(work);
            work.clear();
            foreign.execute(() -> batch.forEach(Runnable::run));
        }
        await(roundIsOver);
        watch.cancel();
    }

    private Map<Kind, Integer> leftByKind() {
        Map<Kind, Integer> byKind = new EnumMap<>(Kind.class);
        for (Kind kind : Kind.values()) {
            if (left[kind.ordinal()] > 0) {
                byKind.put(kind, left[kind.ordinal()]);
            }
        }
        return byKind;
    }

    /** The first failure ends the work. */
    private void fail(String what) {
        roundIsOver.trySetException(new AssertionError(what));
    }

    private void ended(Kind kind) {
        left[kind.ordinal()]--;
        operations++;
        if (left[kind.ordinal()] < 0) {
            fail("An operation ended twice: " + kind);
        }
        if (--leftInAll == 0) {
            roundIsOver.trySetResult(null);
        }
    }

    private void begin(Kind kind, int number) {
        switch (kind) {
            case CALLBACK -> loop.callSoon(() -> ended(kind));
            case CANCELLED_CALLBACK -> {
                loop.callSoon(() -> fail("A cancelled callback ran")).cancel();
                ended(kind);
            }
            case TIMER -> loop.callLater(Duration.ofNanos(number / 10), () -> ended(kind));
            case CANCELLED_TIMER -> {
                TimerHandle timer = loop.callLater(FAR.plusNanos(number), () -> fail("A cancelled timer ran"));
                loop.callSoon(() -> {
                    timer.cancel();
                    ended(kind);
                });
            }
            case FOREIGN_CALLBACK -> elsewhere(() -> loop.callSoonThreadsafe(() -> ended(kind)));
            case FUTURE -> {
                Future<Integer> future = loop.createFuture();
                loop.callSoon(() -> future.setResult(number));
                expect(kind, future, number);
            }
            case FOREIGN_FUTURE -> {
                Future<Integer> future = loop.createFuture();
                elsewhere(() -> future.setResult(number));
                expect(kind, loop.createTask(future.map(x -> x + 1)), number + 1);
            }
            case MONO_TASK -> expect(kind, loop.createTask(sleep(Duration.ZERO, number)), number);
            case CANCELLED_MONO_TASK -> {
                Task<Integer> task = loop.createTask(sleep(FAR, number));
                loop.callSoon(task::cancel);
                expectCancelled(kind, task);
            }
            case FAILING_MONO_TASK -> {
                Expected failure = new Expected(number);
                expectFailure(kind, loop.createTask(Mono.error(failure)), failure);
            }
            case BODY -> expect(kind, loop.createTask(async(() -> number)), number);
            case AWAITING_BODY -> {
                Future<Integer> future = loop.createFuture();
                elsewhere(() -> future.setResult(number));
                expect(
                        kind,
                        loop.createTask(async(() -> {
                            await(sleep(Duration.ZERO));
                            return await(future) + await(sleep(Duration.ofNanos(number / 10), 1));
                        })),
                        number + 1);
            }
            case CANCELLED_BODY -> {
                Task<Integer> task = loop.createTask(async(() -> {
                    try {
                        return await(sleep(FAR, number));
                    } finally {
                        await(sleep(Duration.ZERO));
                    }
                }));
                loop.callLater(Duration.ofNanos(number / 10), task::cancel);
                expectCancelled(kind, task);
            }
            case FAILING_BODY -> {
                Expected failure = new Expected(number);
                expectFailure(
                        kind,
                        loop.createTask(async(() -> {
                            await(sleep(Duration.ZERO));
                            throw failure;
                        })),
                        failure);
            }
            case FORGOTTEN_FAILURE -> {
                loop.createTask(Mono.error(
                        new Expected(number))); // not retrieved: the handler is told when it is garbage-collected
                loop.callSoon(() -> ended(kind));
            }
            case CANCELLED_BY_ANOTHER_THREAD -> raceOfTwoThreads(kind, number);
        }
    }

    private void elsewhere(Runnable work) {
        foreignWork.get(random.nextInt(FOREIGN_THREADS)).add(work);
    }

    private void expect(Kind kind, Future<Integer> future, int result) {
        future.addDoneCallback(done -> {
            if (!Objects.equals(done.resultOrNull(), result)) {
                fail(kind + " should have given " + result + ": " + done);
            }
            ended(kind);
        });
    }

    private void expectCancelled(Kind kind, Future<Integer> future) {
        future.addDoneCallback(done -> {
            if (!done.cancelled()) {
                fail(kind + " should have been cancelled: " + done);
            }
            ended(kind);
        });
    }

    private void expectFailure(Kind kind, Future<Integer> future, Throwable failure) {
        future.addDoneCallback(done -> {
            if (done.cancelled() || done.exception() != failure) {
                fail(kind + " should have failed: " + done);
            }
            ended(kind);
        });
    }

    /**
     * One thread completes a body's Future and another cancels its task: it ends with the result or the cancellation,
     * and only once.
     */
    private void raceOfTwoThreads(Kind kind, int number) {
        Future<Integer> future = loop.createFuture();
        Task<Integer> task = loop.createTask(async(() -> await(future)));
        foreignWork.get(0).add(() -> future.trySetResult(number));
        foreignWork.get(1).add(task::cancel);
        task.addDoneCallback(done -> {
            if (!done.cancelled() && !Objects.equals(done.resultOrNull(), number)) {
                fail(kind + " should have given " + number + " or been cancelled: " + done);
            }
            ended(kind);
        });
    }
}
