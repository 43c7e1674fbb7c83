package asyncio;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.util.Objects;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;
import org.reactivestreams.Subscription;
import reactor.core.CoreSubscriber;
import reactor.core.Scannable;
import reactor.core.publisher.Mono;
import reactor.core.publisher.Operators;
import reactor.util.context.Context;

/**
 * A subscription to {@link FluxGenerate}: the task of the body, and the demand that it runs on. An
 * {@link OwnerSubscriber} handles task, start, end and cancellation; items go from the body's stack to the subscriber.
 *
 * <p>{@code Flux.create} and {@code Flux.generate} are not enough: only the latter asks for an item on demand, and it
 * cannot wait.
 *
 * <pre>{@literal
 *           the first request                 emit: deliver                      no demand is left
 *   COLD ---------------------> RUNNING <--------------------> at emit, RUNNING -------------------> SUSPENDED
 *                                  |                                ^                                   |
 *                                  | returns, throws                +-------- request, cancel ----------+
 *                                  v
 *                                ENDED: complete or error, one tick later
 * }</pre>
 *
 * <p>A request, a cancellation and an emit that suspends meet without a lock: each first writes its own field
 * ({@link #requested}, {@link #over}, {@link #waiting}) and then reads the others', so that one of them sees both; the
 * state of the {@link DemandSuspension} lets one win.
 */
final class GenerateSubscription<T> implements Emitter<T>, Subscription, CoreSubscriber<Void>, Scannable {
    private static final VarHandle WAITING;
    /**
     * The number of failing emits allowed; after that an Error ends a body that catches exceptions in a loop and would
     * hold the event loop forever.
     */
    private static final int EMITS_IN_VAIN = 100;

    static {
        try {
            WAITING =
                    MethodHandles.lookup().findVarHandle(GenerateSubscription.class, "waiting", DemandSuspension.class);
        } catch (ReflectiveOperationException e) {
            throw new ExceptionInInitializerError(e);
        }
    }

    private final Generator<T> body;
    private final EventLoop loop;
    private final CoreSubscriber<? super T> actual;
    private final OwnerSubscriber<Void> owner;
    private final AtomicLong requested = new AtomicLong();
    /** The emit that waits for demand. */
    private volatile @Nullable DemandSuspension waiting;
    /** The reason why items are no longer taken; null as long as they are. */
    private volatile @Nullable String over;

    // the rest is used on the loop only

    private boolean emitting;
    private boolean delivered;
    private boolean ended;
    private int inVain;

    GenerateSubscription(Generator<T> body, EventLoop loop, CoreSubscriber<? super T> actual) {
        this.body = body;
        this.loop = loop;
        this.actual = actual;
        this.owner = new OwnerSubscriber<>(this, this::begin);
    }

    // ---- the task

    private Task<Void> begin() {
        if (loop.generatorsAreClosed) {
            Log.warn(Log.text(this) + " begins after shutdownAsyncgens(): nothing will close it", null);
        }
        return loop.createTask(new Coroutine(this), null, Context.of(actual.currentContext()));
    }

    /** The coroutine of the task. */
    private static final class Coroutine extends MonoCoroutine<Void> implements GeneratorCoroutine {
        private final GenerateSubscription<?> generation;

        Coroutine(GenerateSubscription<?> generation) {
            super(generation::runBody, generation.body);
            this.generation = generation;
        }

        @Override
        public void close(String reason) {
            generation.takeNoMore(reason);
        }
    }

    private @Nullable Void runBody() throws Exception {
        try {
            body.run(this);
        } finally {
            ended = true;
            DemandSuspension left = waiting; // of an emit that the body did not wait for
            if (left != null) {
                left.refuse(afterTheEnd());
            }
        }
        return null;
    }

    // ---- called by the body

    @Override
    public Mono<Void> emit(T item) {
        return new MonoEmit<>(this, Objects.requireNonNull(item, "item"));
    }

    void beginEmit(T item) {
        if (!loop.core.inEventLoop()) {
            throw new IllegalStateException(
                    "emit on thread " + Thread.currentThread().getName()
                            + ", which does not run the generator's " + loop
                            + ": emit in the body, or publishOn(loop.scheduler()) before");
        }
        if (emitting) {
            throw new IllegalStateException("emit before the previous emit has completed: a generator emits one item "
                    + "at a time, so await each; for several producers put a queue in between");
        }
        if (ended) {
            throw afterTheEnd();
        }
        if (over != null) {
            discard(item);
            throw cancelled();
        }
        emitting = true;
        delivered = false;
    }

    private static IllegalStateException afterTheEnd() {
        return new IllegalStateException("emit after the body of the generator has returned: await each emit, and the "
                + "tasks that emit, in the body");
    }

    void endEmit(T item) {
        emitting = false;
        if (!delivered) {
            discard(item);
        }
    }

    private void discard(T item) {
        Operators.onDiscard(item, actual.currentContext());
    }

    /** @throws CancelledException if no more items will be requested */
    boolean hasDemand() {
        if (over != null) {
            throw cancelled();
        }
        return requested.get() > 0;
    }

    /** Delivers an item and takes one from the demand. */
    void deliver(T item, @Nullable BodyTask<?> onItsStack) {
        delivered = true;
        if (requested.get() != Long.MAX_VALUE) {
            requested.accumulateAndGet(1, GenerateSubscription::minus);
        }
        if (onItsStack != null) {
            onItsStack.next(actual, item);
        } else {
            actual.onNext(item);
        }
    }

    private static long minus(long demand, long delivered) {
        return demand == Long.MAX_VALUE ? demand : demand - delivered;
    }

    /**
     * Returns the cancellation, which takes the request of the emitting task with it: it is thrown once, not again at
     * the next await in a finally block.
     */
    private CancelledException cancelled() {
        if (++inVain > EMITS_IN_VAIN) {
            throw new Error("The generator was cancelled (" + over + "), but its body keeps emitting");
        }
        Task<?> task = loop.currentTask();
        CancelledException request = task == null ? null : task.takeRequest();
        return request == null ? CancelledException.of(loop, over) : request;
    }

    Suspension<Void> demand(CoreSubscriber<? super Void> emit) {
        return new DemandSuspension(this, emit);
    }

    /** An emit that waits until the subscriber requests an item. */
    private static final class DemandSuspension extends Suspension<Void> {
        private final GenerateSubscription<?> generation;

        DemandSuspension(GenerateSubscription<?> generation, CoreSubscriber<? super Void> emit) {
            super(emit, null);
            this.generation = generation;
        }

        @Override
        protected boolean begin() {
            generation.waiting = this;
            if (generation.over != null
                    ? fail(generation.cancelled())
                    : generation.requested.get() > 0 && grant(null)) {
                generation.waiting = null;
                return true;
            }
            return false;
        }

        void grant() {
            if (grant(null)) {
                leave();
                deliver();
            }
        }

        void refuse(RuntimeException error) {
            if (fail(error)) {
                leave();
                deliver();
            }
        }

        @Override
        protected void leave() {
            WAITING.compareAndSet(generation, this, null);
        }

        @Override
        public void giveBack(@Nullable Void value) {
            // the demand is still there
        }

        @Override
        protected String target() {
            return "demand for the items that " + generation + " emits";
        }
    }

    // ---- called by the subscriber

    @Override
    public void request(long n) {
        if (!Operators.validate(n)) {
            return;
        }
        requested.accumulateAndGet(n, Operators::addCap);
        owner.request(n);
        DemandSuspension waiting = this.waiting;
        if (waiting != null && requested.get() > 0) { // else the body has begun meanwhile and used it
            waiting.grant();
        }
    }

    @Override
    public void cancel() {
        owner.cancel(); // first: an emit that sees the end takes the task's request with it
        takeNoMore("The subscription was cancelled");
    }

    private void takeNoMore(String reason) {
        if (over == null) {
            over = reason; // of two, either will do
        }
        DemandSuspension waiting = this.waiting;
        if (waiting != null) { // of a body that has caught the exception, and emits again
            waiting.refuse(CancelledException.of(loop, reason));
        }
    }

    // ---- signals of the owner's subscription, on the loop

    @Override
    public void onSubscribe(Subscription subscription) {
        throw new UnsupportedOperationException("made with its subscription");
    }

    @Override
    public void onNext(Void none) {
        throw new UnsupportedOperationException("a generator's body has no result");
    }

    @Override
    public void onError(Throwable error) {
        actual.onError(error);
    }

    @Override
    public void onComplete() {
        actual.onComplete();
    }

    @Override
    public Context currentContext() {
        return actual.currentContext();
    }

    @Override
    @SuppressWarnings("rawtypes")
    public @Nullable Object scanUnsafe(Attr key) {
        if (key == Attr.PARENT) {
            return owner;
        }
        if (key == Attr.ACTUAL) {
            return actual;
        }
        if (key == Attr.CANCELLED) {
            return over != null;
        }
        if (key == Attr.TERMINATED) {
            return ended;
        }
        if (key == Attr.REQUESTED_FROM_DOWNSTREAM) {
            return requested.get();
        }
        return key == Attr.RUN_STYLE ? Attr.RunStyle.ASYNC : null;
    }

    @Override
    public String toString() {
        return "generate(" + body.getClass().getName() + ") for " + Log.text(actual);
    }
}
