package asyncio;

import asyncio.internal.loop.LoopCore;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import org.reactivestreams.Publisher;
import reactor.core.CoreSubscriber;
import reactor.core.Scannable;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.core.publisher.Operators;
import reactor.util.context.Context;
import reactor.util.context.ContextView;

/**
 * The work that continues after Reactor considers a cancellation complete: work that was told to end and has not ended
 * yet. A task has one of these in the context of the Monos that it awaits, and does not resume before all of this work
 * has ended; the same holds for any owner of a resource that the work uses. For authors of operators. Thread-safe.
 */
public final class Cleanups extends UnderWay {
    private static final Object GONE = new Object();

    private final @Nullable EventLoop loop;
    private volatile Context context;
    /**
     * The waiting task or operator; {@link #GONE} when it has ended: contexts outlive it, and must not retain its
     * outcome.
     */
    private volatile Object owner;
    /** The subscriber of that operator; an empty one when the operator has ended. */
    private volatile @Nullable CoreSubscriber<?> subscriber;
    /** The clean-ups of the enclosing task or operator. */
    private final @Nullable Cleanups outer;
    /** All guarded by this. */
    private int running;

    private @Nullable Future<Void> rest;
    /** Work that has begun and not ended, and may have to be waited for; linked. */
    private @Nullable UnderWay first;

    Cleanups(Task<?> task) {
        this.loop = task.loop;
        this.context = task.getContext().put(Cleanups.class, this);
        this.owner = task;
        this.subscriber = null;
        this.outer = null;
    }

    private Cleanups(CoreSubscriber<?> operator, CoreSubscriber<?> subscriber) {
        Context outer = subscriber.currentContext();
        this.loop = null;
        this.context = outer.put(Cleanups.class, this);
        this.owner = operator;
        this.subscriber = subscriber;
        this.outer = of(outer);
    }

    private Cleanups(Object owner, Context context, @Nullable EventLoop loop) {
        this.loop = loop;
        this.context = context.put(Cleanups.class, this);
        this.owner = owner;
        this.subscriber = null;
        this.outer = null;
    }

    /**
     * Returns independent clean-ups: for the work of a subscriber with an owner that asks for the {@link #rest} itself.
     *
     * @param loop the loop that completes the rest; null for the thread on which the last work ends
     */
    static Cleanups ofOwner(CoreSubscriber<?> owner, Context context, @Nullable EventLoop loop) {
        return new Cleanups(owner, context, loop);
    }

    /**
     * Returns new clean-ups for the work of an operator, which calls {@link #close} when its part has ended.
     *
     * @param operator the operator; {@code Scannable}, like all operators between it and the work
     * @param subscriber the operator's subscriber
     */
    public static Cleanups within(CoreSubscriber<?> operator, CoreSubscriber<?> subscriber) {
        Cleanups cleanups = new Cleanups(operator, subscriber);
        Cleanups outer = cleanups.outer;
        if (outer != null) {
            outer.enter(cleanups);
        }
        return cleanups;
    }

    @Override
    CoreSubscriber<?> subscriber() {
        return Objects.requireNonNull(subscriber, "a task has no subscriber");
    }

    @Override
    synchronized boolean isForeign(LoopCore loop) {
        int known = 0;
        for (UnderWay work = first; work != null; work = work.next) {
            if (work.stage == Stage.AWAITED) {
                known++;
                if (work.isForeign(loop)) {
                    return true;
                }
            }
        }
        return running > known; // begin() was called, for work that may be foreign
    }

    /** Ends the operator's part. */
    public void close() {
        if (outer != null) {
            outer.leave(this);
        }
        subscriber = Operators.emptySubscriber();
        ownerHasEnded();
    }

    /** Called when the owner has ended: nothing waits any more. */
    void ownerHasEnded() {
        owner = GONE;
    }

    /** Returns the context for the work, which contains these clean-ups. */
    public Context context() {
        return context;
    }

    /** Takes over a changed context of the task. */
    void replaceContext(Context context) {
        this.context = context.put(Cleanups.class, this);
    }

    /** Returns the clean-ups of the awaiting task or of the enclosing operator; null if there is none. */
    public static @Nullable Cleanups of(ContextView context) {
        return context.getOrDefault(Cleanups.class, null);
    }

    /**
     * Registers the work of a subscription that begins; returns null if nothing would wait for it.
     *
     * @param subscriber the subscriber; {@code Scannable}, like the operators downstream of it
     */
    public static @Nullable Work work(CoreSubscriber<?> subscriber) {
        Cleanups cleanups = of(subscriber.currentContext());
        if (cleanups == null) {
            return null;
        }
        Work work = new Work(cleanups, subscriber);
        cleanups.enter(work);
        return work;
    }

    /** Work that takes time to end when it is cancelled; registered from its start to its end. */
    public static final class Work extends UnderWay {
        private final Cleanups cleanups;
        private final CoreSubscriber<?> subscriber;

        Work(Cleanups cleanups, CoreSubscriber<?> subscriber) {
            this.cleanups = cleanups;
            this.subscriber = subscriber;
        }

        @Override
        CoreSubscriber<?> subscriber() {
            return subscriber;
        }

        /** Unknown, so assumed to be foreign. */
        @Override
        boolean isForeign(LoopCore loop) {
            return true;
        }

        /**
         * Marks the work as being cancelled: it is waited for from now on; best called before the cancellation is
         * visible to other code.
         */
        public void cancelled() {
            cleanups.await(this);
        }

        /** Marks the work as ended; call it before the subscriber is told. Calling it again has no effect. */
        public void over() {
            cleanups.leave(this);
        }

        /**
         * For cancelled work, returns whether its owner was neither cancelled nor has failed, because an operator in
         * between continued without the work.
         */
        public boolean wasCutOff() {
            Scannable link = linkTo(cleanups.owner);
            return link != null
                    && !Boolean.TRUE.equals(link.scan(Scannable.Attr.CANCELLED))
                    && link.scan(Scannable.Attr.ERROR) == null;
        }
    }

    /**
     * Like {@link Asyncio#cleanup}, for work that ends with the clean-up: more reliable, since the work is known from
     * its start, not only when an operator begins to clean up.
     *
     * @param work the work, or null if nothing waits for it
     */
    public static Mono<Void> cleanup(@Nullable Work work, Publisher<?> publisher) {
        Mono<Void> end = Flux.from(publisher).then();
        return work == null
                ? end
                : end.doFirst(work::cancelled).doOnTerminate(work::over).doOnCancel(work::over);
    }

    /** Registers cancelled work that continues; it calls {@link #end} when it has ended. */
    public synchronized void begin() {
        running++;
    }

    /** Ends the work that {@link #begin} began. */
    public void end() {
        Future<Void> over = null;
        synchronized (this) {
            running--;
            if (running == 0) {
                over = rest;
                rest = null;
            }
        }
        if (over != null) {
            over.trySetResult(null);
        }
    }

    /** Registers work that has begun. */
    synchronized void enter(UnderWay work) {
        if (work.stage == Stage.NEW) {
            work.stage = Stage.ENTERED;
            link(work);
        }
    }

    /** Under the monitor. */
    private void link(UnderWay work) {
        UnderWay first = this.first;
        work.next = first;
        if (first != null) {
            first.previous = work;
        }
        this.first = work;
    }

    /** Registers work that is about to be cancelled, and is waited for until it {@linkplain #leave leaves}. */
    synchronized void await(UnderWay work) {
        if (work.stage != Stage.AWAITED && work.stage != Stage.OVER) {
            if (work.stage != Stage.ENTERED) {
                link(work);
            }
            work.stage = Stage.AWAITED;
            running++;
        }
    }

    /** Removes work that has ended. */
    void leave(UnderWay work) {
        boolean awaited;
        synchronized (this) {
            awaited = work.stage == Stage.AWAITED;
            unlink(work);
            work.stage = Stage.OVER;
        }
        if (awaited) {
            end();
        }
    }

    /** Under the monitor. */
    private void unlink(UnderWay work) {
        UnderWay previous = work.previous;
        UnderWay next = work.next;
        if (previous != null) {
            previous.next = next;
        } else if (first == work) {
            first = next;
        }
        if (next != null) {
            next.previous = previous;
        }
        work.previous = null;
        work.next = null;
    }

    /** Called when the owner has ended: waits for the work that began for it, and detaches the rest. */
    private void awaitWhatIsLeft() {
        List<UnderWay> left = new ArrayList<>();
        synchronized (this) {
            for (UnderWay work = first; work != null; work = work.next) {
                if (work.stage == Stage.ENTERED) {
                    left.add(work);
                }
            }
        }
        for (UnderWay work : left) {
            boolean own = work.linkTo(owner) != null; // calls foreign operators, so without the monitor
            synchronized (this) {
                if (own) {
                    await(work);
                } else if (work.stage == Stage.ENTERED) {
                    unlink(work);
                    work.stage = Stage.DETACHED;
                }
            }
        }
    }

    synchronized boolean areUnderWay() {
        return running > 0;
    }

    /** Runs the action of a clean-up when a Future has ended: here, or on the thread that completes it. */
    static void afterwards(Future<?> work, @Nullable Cleanups waiting, Runnable action) {
        Waiter ended = new Waiter() {
            @Override
            public void run() {
                action.run();
            }

            @Override
            @Nullable Object tells() {
                return waiting;
            }

            @Override
            @Nullable LoopCore resumesOn() {
                return null; // runs no user code
            }

            @Override
            protected boolean isInternal() {
                return true;
            }
        };
        if (!work.addWaiter(ended)) {
            ended.run();
        }
    }

    /**
     * Runs the action when no work is under way any more: now, or on the thread where the last work ends. For the end
     * of the owner's part, to be followed by {@link #close}; the enclosing clean-ups wait until then.
     */
    public void whenOver(Runnable action) {
        Future<Void> rest = rest();
        if (rest == null) {
            action.run();
            return;
        }
        if (outer != null) {
            outer.await(this);
        }
        rest.addDoneCallback(over -> whenOver(action)); // unless something has begun since
    }

    /**
     * Returns the Future that is already waited for, or else the enclosing clean-ups; null if there is neither. For
     * inspection.
     */
    synchronized @Nullable Object joined() {
        return rest == null ? outer : rest;
    }

    /** Returns a Future that completes when all work has ended; null if it has. For the owner, which has ended. */
    @Nullable Future<Void> rest() {
        if (first != null) {
            awaitWhatIsLeft();
        }
        return awaited();
    }

    /** Like {@link #rest}, for the work that is already waited for; from any thread. */
    synchronized @Nullable Future<Void> awaited() {
        if (running == 0) {
            return null;
        }
        Future<Void> rest = this.rest;
        if (rest == null) {
            rest = loop == null ? new Future<>() : new Future<>(loop);
            this.rest = rest;
        }
        return rest;
    }
}
