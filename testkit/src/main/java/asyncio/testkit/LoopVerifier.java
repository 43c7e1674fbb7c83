package asyncio.testkit;

import static asyncio.Asyncio.async;
import static asyncio.Asyncio.await;

import asyncio.Asyncio;
import asyncio.EventLoop;
import asyncio.Future;
import asyncio.TimerHandle;
import io.netty.util.concurrent.MockTicker;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.function.Consumer;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.reactivestreams.Publisher;
import org.reactivestreams.Subscription;
import reactor.core.publisher.BaseSubscriber;
import reactor.core.publisher.Signal;
import reactor.util.context.Context;

/**
 * The expected steps of a publisher, as in Reactor's {@code StepVerifier}, in the virtual time of a loop; created by
 * {@link Verifiers#withLoop}. ({@code StepVerifier.withVirtualTime} uses the time of a scheduler, which cannot be that
 * of a loop.)
 *
 * <p>Time passes only in {@link #thenAwait} and {@link #expectNoEvent}: any other expectation fails if it is not met
 * now, that is, before the loop's clock would advance. Work in other threads holds the clock, and is waited for. A
 * failure is an {@link AssertionError} that shows the signals received, their times, and the tasks of the loop.
 *
 * <p>Add all steps on one thread; nothing happens before {@link #verify}.
 *
 * <pre>{@code
 * Verifiers.withLoop(EventLoop.getRunningLoop(), () -> sleep(Duration.ofHours(1), "morning"))
 *         .expectNoEvent(Duration.ofMinutes(59))
 *         .thenAwait(Duration.ofMinutes(1))
 *         .expectNext("morning")
 *         .verifyComplete();
 * }</pre>
 *
 * @param <T> the type of the values
 */
public final class LoopVerifier<T> {
    private static final Duration MOMENT = Duration.ofNanos(1);

    private interface Action {
        void run() throws Exception;
    }

    private record Step(String name, Action action) {}

    private record Timed<T>(Signal<T> signal, Duration at) {
        @Override
        public String toString() {
            return signal + " at " + at;
        }
    }

    private final EventLoop loop;
    private final Supplier<? extends Publisher<? extends T>> source;
    private final long firstRequest;
    private final List<Step> steps = new ArrayList<>();
    private boolean endExpected;

    // ---- while it runs, on the loop

    private final List<Timed<T>> seen = new ArrayList<>();
    private final ArrayDeque<Timed<T>> unmet = new ArrayDeque<>();
    private final Recorder recorder = new Recorder();
    private @Nullable Future<Void> arrival;
    private Duration start = Duration.ZERO;
    private @Nullable Step current;
    /** The context of the verifying body. */
    private Context context = Context.empty();

    LoopVerifier(EventLoop loop, Supplier<? extends Publisher<? extends T>> source, long firstRequest) {
        if (!(loop.netty().ticker() instanceof MockTicker)) {
            throw new IllegalArgumentException("The time of " + loop
                    + " is not virtual: make one with EventLoop.builder().clock(Ticker.newMockTicker())");
        }
        this.loop = loop;
        this.source = Objects.requireNonNull(source, "source");
        this.firstRequest = firstRequest;
    }

    // ---- the steps

    /** Expects these values now, in order. */
    @SafeVarargs
    @SuppressWarnings("varargs") // only read
    public final LoopVerifier<T> expectNext(T... values) {
        for (T value : values) {
            step("expectNext(" + value + ")", () -> {
                if (!Objects.equals(nextValue(), value)) {
                    throw failure("expected value: " + value);
                }
            });
        }
        return this;
    }

    /** Expects {@code count} values now. */
    public LoopVerifier<T> expectNextCount(long count) {
        return step("expectNextCount(" + count + ")", () -> {
            for (long i = 0; i < count; i++) {
                nextValue();
            }
        });
    }

    /** Expects a value now, and passes it to the assertions. */
    public LoopVerifier<T> assertNext(Consumer<? super T> assertions) {
        return step("assertNext", () -> assertions.accept(nextValue()));
    }

    /** Expects no signal for the duration, excluding its last moment. */
    public LoopVerifier<T> expectNoEvent(Duration duration) {
        return step("expectNoEvent(" + duration + ")", () -> {
            Duration end = loop.time().plus(duration);
            sleepUntil(end.minus(MOMENT));
            if (!unmet.isEmpty()) {
                throw failure("expected no event");
            }
            sleepUntil(end);
        });
    }

    /** Lets the duration pass, regardless of signals. */
    public LoopVerifier<T> thenAwait(Duration duration) {
        return step("thenAwait(" + duration + ")", () -> sleepUntil(loop.time().plus(duration)));
    }

    /** Runs an action on the loop. */
    public LoopVerifier<T> then(Runnable action) {
        return step("then", action::run);
    }

    /** Requests more. */
    public LoopVerifier<T> thenRequest(long n) {
        return step("thenRequest(" + n + ")", () -> recorder.request(n));
    }

    /** Cancels the subscription; it may be the last step. */
    public LoopVerifier<T> thenCancel() {
        step("thenCancel", recorder::cancel);
        endExpected = true;
        return this;
    }

    /** Expects completion now; the last step. */
    public LoopVerifier<T> expectComplete() {
        step("expectComplete", () -> {
            if (!next().signal.isOnComplete()) {
                throw failure("expected completion");
            }
        });
        endExpected = true;
        return this;
    }

    /** Expects an error now, and passes it to the assertions; the last step. */
    public LoopVerifier<T> expectErrorSatisfies(Consumer<? super Throwable> assertions) {
        step("expectError", () -> {
            Throwable error = next().signal.getThrowable();
            if (error == null) {
                throw failure("expected an error");
            }
            assertions.accept(error);
        });
        endExpected = true;
        return this;
    }

    /** Expects an error of that class now; the last step. */
    public LoopVerifier<T> expectError(Class<? extends Throwable> expected) {
        return expectErrorSatisfies(error -> {
            if (!expected.isInstance(error)) {
                throw failure("expected an error of " + expected);
            }
        });
    }

    /** Expects an error with that message now; the last step. */
    public LoopVerifier<T> expectErrorMessage(String expected) {
        return expectErrorSatisfies(error -> {
            if (!expected.equals(error.getMessage())) {
                throw failure("expected an error with the message: " + expected);
            }
        });
    }

    private LoopVerifier<T> step(String name, Action action) {
        if (endExpected) {
            throw new IllegalStateException(
                    name + " after " + steps.get(steps.size() - 1).name + ": no step can follow that");
        }
        steps.add(new Step(name, action));
        return this;
    }

    // ---- verifying

    /** {@link #expectComplete} and {@link #verify}. */
    public Duration verifyComplete() {
        return expectComplete().verify();
    }

    /** {@link #expectError} and {@link #verify}. */
    public Duration verifyError(Class<? extends Throwable> expected) {
        return expectError(expected).verify();
    }

    /** {@link #expectErrorMessage} and {@link #verify}. */
    public Duration verifyErrorMessage(String expected) {
        return expectErrorMessage(expected).verify();
    }

    /**
     * Subscribes on the loop and takes the steps: in the calling body, or else by running the loop, without closing it.
     *
     * @return the virtual time that has passed
     * @throws AssertionError if a step is not met
     * @throws IllegalStateException if there is no last step, or if the loop is running and this is not called in a
     *     body on it
     */
    public Duration verify() {
        if (current != null) {
            throw new IllegalStateException("This LoopVerifier was already verified: create another one");
        }
        if (!endExpected) {
            throw new IllegalStateException(
                    "The last step must expect the end, or be thenCancel(). The steps are: " + steps);
        }
        try {
            if (EventLoop.runningOrNull() == loop) {
                takeSteps();
            } else {
                loop.runUntilComplete(async(this::takeSteps));
            }
        } catch (RuntimeException e) {
            throw e;
        } catch (Exception e) {
            throw new AssertionError("Step " + current + " has thrown " + e + report(), e);
        }
        return loop.time().minus(start);
    }

    private void takeSteps() throws Exception {
        start = loop.time();
        context = Context.of(Asyncio.currentContext());
        try {
            source.get().subscribe(recorder);
            for (Step step : steps) {
                current = step;
                step.action.run();
            }
        } finally {
            recorder.cancel();
        }
    }

    private void sleepUntil(Duration when) throws Exception {
        Duration rest = when.minus(loop.time());
        if (!rest.isNegative() && !rest.isZero()) {
            TestClock.sleepExactly(loop, rest);
        }
    }

    private T nextValue() throws Exception {
        T value = next().signal.get();
        if (value == null) {
            throw failure("expected a value");
        }
        return value;
    }

    /** Returns the next signal that arrives before time advances. */
    private Timed<T> next() throws Exception {
        if (unmet.isEmpty()) {
            Future<Void> comes = loop.createFuture();
            arrival = comes;
            // fires when nothing else is left to do: only then does the clock advance
            TimerHandle idle = loop.callAt(loop.time().plus(MOMENT), () -> comes.trySetResult(null));
            await(comes);
            idle.cancel();
        }
        Timed<T> next = unmet.poll();
        if (next == null) {
            throw failure("no signal arrived; schedulers other than the loop's run in real time");
        }
        return next;
    }

    private AssertionError failure(String what) {
        return new AssertionError(
                "expectation \"" + (current == null ? "" : current.name) + "\" failed: " + what + report());
    }

    private String report() {
        return "\nafter " + loop.time().minus(start) + " there were " + (seen.isEmpty() ? "no events" : seen)
                + ", not consumed yet: " + unmet + "\n" + loop.dumpTasks();
    }

    private final class Recorder extends BaseSubscriber<T> {
        @Override
        public Context currentContext() {
            return context;
        }

        @Override
        protected void hookOnSubscribe(Subscription subscription) {
            if (firstRequest > 0) {
                subscription.request(firstRequest);
            }
        }

        @Override
        protected void hookOnNext(T value) {
            record(Signal.next(value));
        }

        @Override
        protected void hookOnComplete() {
            record(Signal.complete());
        }

        @Override
        protected void hookOnError(Throwable error) {
            record(Signal.error(error));
        }

        /** Records a signal on the loop, since a publisher may signal on another thread. */
        private void record(Signal<T> signal) {
            if (loop.netty().inEventLoop()) {
                recordHere(signal);
            } else {
                loop.callSoonThreadsafe(() -> recordHere(signal));
            }
        }

        private void recordHere(Signal<T> signal) {
            Timed<T> timed = new Timed<>(signal, loop.time().minus(start));
            seen.add(timed);
            unmet.add(timed);
            Future<Void> waiting = arrival;
            if (waiting != null) {
                waiting.trySetResult(null);
            }
        }
    }

    /** Shows the steps. */
    @Override
    public String toString() {
        return "<LoopVerifier " + Arrays.toString(steps.stream().map(Step::name).toArray()) + ">";
    }
}
