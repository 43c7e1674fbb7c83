package asyncio.bridge;

import static org.openjdk.jcstress.annotations.Expect.ACCEPTABLE;
import static org.openjdk.jcstress.annotations.Expect.FORBIDDEN;

import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.Arbiter;
import org.openjdk.jcstress.annotations.Description;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.III_Result;
import org.openjdk.jcstress.infra.results.II_Result;
import org.reactivestreams.Subscription;
import reactor.core.CoreSubscriber;
import reactor.core.Disposable;
import reactor.core.publisher.Operators;
import reactor.util.context.Context;

/** A callback, a cancellation, a throw and a late handle meet. */
public final class CallbackRaces {
    private CallbackRaces() {}

    /** A subscriber off every loop that counts its signals, and discarded values. */
    static final class Receiver implements CoreSubscriber<Integer> {
        private @Nullable Subscription subscription;
        final AtomicInteger values = new AtomicInteger();
        final AtomicInteger errors = new AtomicInteger();
        final AtomicInteger ends = new AtomicInteger();
        final AtomicInteger discarded = new AtomicInteger();
        private final Context context = Operators.enableOnDiscard(
                Context.of(
                        "reactor.onErrorDropped.local",
                        (Consumer<Throwable>) error -> {},
                        "reactor.onNextDropped.local",
                        (Consumer<Object>) value -> discarded.incrementAndGet()),
                value -> discarded.incrementAndGet());

        @Override
        public void onSubscribe(Subscription s) {
            subscription = s;
            s.request(1);
        }

        @Override
        public void onNext(Integer value) {
            values.incrementAndGet();
        }

        @Override
        public void onError(Throwable error) {
            errors.incrementAndGet();
            ends.incrementAndGet();
        }

        @Override
        public void onComplete() {
            ends.incrementAndGet();
        }

        @Override
        public Context currentContext() {
            return context;
        }

        void cancel() {
            if (subscription != null) {
                subscription.cancel();
            }
        }
    }

    /** A subscription with its callback in the hands of the actors. */
    public abstract static class Registered {
        @Nullable Callback<Integer> callback;

        final AtomicInteger cleanedUp = new AtomicInteger();
        final AtomicInteger aborted = new AtomicInteger();
        final Receiver receiver = new Receiver();

        Registered() {
            Callbacks.<Integer>mono(callback -> {
                        this.callback = callback;
                        callback.onDispose(cleanedUp::incrementAndGet).onCancel(aborted::incrementAndGet);
                    })
                    .subscribe(receiver);
        }

        final Callback<Integer> callback() {
            return Objects.requireNonNull(callback);
        }
    }

    @JCStressTest
    @Description("A callback meets a cancellation. Figures: values delivered; discarded; 10 for clean-up, 1 for abort.")
    @Outcome(id = "1, 0, 10", expect = ACCEPTABLE, desc = "The callback came first.")
    @Outcome(id = "0, 1, 10", expect = ACCEPTABLE, desc = "The callback came first, and the value was not taken.")
    @Outcome(id = "0, 1, 11", expect = ACCEPTABLE, desc = "The cancellation came first.")
    @Outcome(expect = FORBIDDEN, desc = "The value is lost or doubled, or a clean-up is.")
    @State
    public static class SuccessAndCancel extends Registered {
        @Actor
        public void succeed() {
            callback().success(1);
        }

        @Actor
        public void cancel() {
            receiver.cancel();
        }

        @Arbiter
        public void look(III_Result r) {
            r.r1 = receiver.values.get();
            r.r2 = receiver.discarded.get();
            r.r3 = 10 * cleanedUp.get() + aborted.get();
        }
    }

    @JCStressTest
    @Description("A success meets a failure. Figures: values delivered; errors delivered; values dropped.")
    @Outcome(id = "1, 0, 0", expect = ACCEPTABLE, desc = "The success came first.")
    @Outcome(id = "0, 1, 1", expect = ACCEPTABLE, desc = "The failure came first.")
    @Outcome(expect = FORBIDDEN, desc = "There are two outcomes or none.")
    @State
    public static class SuccessAndFailure extends Registered {
        @Actor
        public void succeed() {
            callback().success(1);
        }

        @Actor
        public void fail() {
            callback().failure(new IllegalStateException("x"));
        }

        @Arbiter
        public void look(III_Result r) {
            r.r1 = receiver.values.get();
            r.r2 = receiver.errors.get();
            r.r3 = receiver.discarded.get();
        }
    }

    @JCStressTest
    @Description("A handle that comes late meets a cancellation. Figures: aborted; clean-ups.")
    @Outcome(id = "2, 1", expect = ACCEPTABLE, desc = "By the second of the two.")
    @Outcome(expect = FORBIDDEN, desc = "The handle is lost, or disposed of twice.")
    @State
    public static class LateHandleAndCancel extends Registered {
        @Actor
        public void add() {
            callback().onCancel(aborted::incrementAndGet);
        }

        @Actor
        public void cancel() {
            receiver.cancel();
        }

        @Arbiter
        public void look(II_Result r) {
            r.r1 = aborted.get();
            r.r2 = cleanedUp.get();
        }
    }

    @JCStressTest
    @Description("A registration throws while the callback comes. Figures: values delivered; errors; values dropped.")
    @Outcome(id = "1, 0, 0", expect = ACCEPTABLE, desc = "The callback came first.")
    @Outcome(id = "0, 1, 1", expect = ACCEPTABLE, desc = "The throw came first.")
    @Outcome(expect = FORBIDDEN, desc = "There are two outcomes or none.")
    @State
    public static class ThrowAndSuccess {
        private final Receiver receiver = new Receiver();
        private final CompletableFuture<Integer> source = new CompletableFuture<>();

        @Actor
        public void register() {
            Callbacks.<Integer>mono(callback -> {
                        source.whenComplete(callback.asBiConsumer());
                        throw new IllegalStateException("x");
                    })
                    .subscribe(receiver);
        }

        @Actor
        public void succeed() {
            source.complete(1);
        }

        @Arbiter
        public void look(III_Result r) {
            r.r1 = receiver.values.get();
            r.r2 = receiver.errors.get();
            r.r3 = receiver.discarded.get();
        }
    }

    @JCStressTest
    @Description(
            "A Mono's value meets the cancellation of its CompletableFuture. Figures: has the value; is cancelled.")
    @Outcome(id = "1, 0", expect = ACCEPTABLE, desc = "The value came first.")
    @Outcome(id = "0, 1", expect = ACCEPTABLE, desc = "The cancellation came first.")
    @Outcome(expect = FORBIDDEN, desc = "Neither, or both.")
    @State
    public static class ValueAndCancelOfTheStage {
        private final CompletableFuture<Integer> source = new CompletableFuture<>();
        private final CompletableFuture<?> stage = Futures.toCompletableFuture(
                Futures.<Integer>toMono(source, Cancellation.DETACH), Cancellation.PROPAGATE);

        @Actor
        public void succeed() {
            source.complete(1);
        }

        @Actor
        public void cancel() {
            stage.cancel(true);
        }

        @Arbiter
        public void look(II_Result r) {
            r.r1 = stage.isDone() && !stage.isCompletedExceptionally() ? 1 : 0;
            r.r2 = stage.isCancelled() ? 1 : 0;
        }
    }

    @JCStressTest
    @Description("A Mono's end meets the handle of its callback. Figures: callbacks; the handle is disposed.")
    @Outcome(id = "1, 1", expect = ACCEPTABLE, desc = "The end came first.")
    @Outcome(id = "0, 1", expect = ACCEPTABLE, desc = "The handle was disposed of first.")
    @Outcome(expect = FORBIDDEN, desc = "Called twice, or not disposed.")
    @State
    public static class EndAndHandle {
        private final CompletableFuture<Integer> source = new CompletableFuture<>();
        private final AtomicInteger called = new AtomicInteger();
        private final Disposable handle = Callbacks.<Integer>whenComplete(
                Futures.<Integer>toMono(source, Cancellation.DETACH),
                (value, error) -> called.incrementAndGet(),
                Cancellation.PROPAGATE);

        @Actor
        public void succeed() {
            source.complete(1);
        }

        @Actor
        public void dispose() {
            handle.dispose();
        }

        @Arbiter
        public void look(II_Result r) {
            r.r1 = called.get();
            r.r2 = handle.isDisposed() ? 1 : 0;
        }
    }

    @JCStressTest
    @Description("An event meets the cancellation of its Flux. Figures: delivered; discarded; unregistered.")
    @Outcome(id = "1, 0, 1", expect = ACCEPTABLE, desc = "The event came first.")
    @Outcome(id = "0, 1, 1", expect = ACCEPTABLE, desc = "The cancellation came first.")
    @Outcome(expect = FORBIDDEN, desc = "The event is lost or doubled, or the listener is left.")
    @State
    public static class EventAndCancel {
        private final Receiver receiver = new Receiver();
        private final AtomicInteger unregistered = new AtomicInteger();
        private @Nullable ListenerSink<Integer> sink;

        public EventAndCancel() {
            Listeners.<Integer>flux(
                            Overflow.latest(), sink -> this.sink = sink.onDispose(unregistered::incrementAndGet))
                    .subscribe(receiver);
        }

        @Actor
        public void event() {
            Objects.requireNonNull(sink).next(1);
        }

        @Actor
        public void cancel() {
            receiver.cancel();
        }

        @Arbiter
        public void look(III_Result r) {
            r.r1 = receiver.values.get();
            r.r2 = receiver.discarded.get();
            r.r3 = unregistered.get();
        }
    }

    @JCStressTest
    @Description("Two events meet. Figures: delivered first request; kept for the second; ends.")
    @Outcome(id = "1, 1, 0", expect = ACCEPTABLE, desc = "One is delivered, the other waits for demand.")
    @Outcome(expect = FORBIDDEN, desc = "An event is lost or doubled.")
    @State
    public static class TwoEvents {
        private final Receiver receiver = new Receiver();
        private @Nullable ListenerSink<Integer> sink;

        public TwoEvents() {
            Listeners.<Integer>flux(Overflow.fail(2), sink -> this.sink = sink).subscribe(receiver);
        }

        @Actor
        public void one() {
            Objects.requireNonNull(sink).next(1);
        }

        @Actor
        public void two() {
            Objects.requireNonNull(sink).next(2);
        }

        @Arbiter
        public void look(III_Result r) {
            r.r1 = receiver.values.get();
            receiver.cancel();
            r.r2 = receiver.discarded.get();
            r.r3 = receiver.ends.get();
        }
    }
}
