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
 * The work that continues after Reactor has called a cancellation done: work that was told to end and has not yet. A
 * task carries one of these in the context of what it awaits, and does not go on before all of it is over; so does
 * whoever holds something that the work uses. For authors of operators. Thread-safe.
 */
public final class Cleanups extends UnderWay {
    private static final Object GONE = new Object();

    private final @Nullable EventLoop loop;
    private volatile Context context;
    /**
     * The task, or the operator, that waits; {@link #GONE} when it has ended: contexts outlive it, and what it has come
     * to must not be kept by them.
     */
    private volatile Object owner;
    /** The subscriber of that operator; an empty one when that has ended. */
    private volatile @Nullable CoreSubscriber<?> subscriber;
    /** Of the task, or of the operator, that this one is part of. */
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
     * One that is nobody's part: what works for a subscriber whose owner asks for the {@link #rest} itself.
     *
     * @param loop where that is completed; null for wherever the last of it ends
     */
    static Cleanups ofOwner(CoreSubscriber<?> owner, Context context, @Nullable EventLoop loop) {
        return new Cleanups(owner, context, loop);
    }

    /**
     * A new one for what works for an operator, which calls {@link #close} when its part is over.
     *
     * @param operator {@code Scannable}, as all that is between it and the work
     * @param subscriber of the operator
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
        return Objects.requireNonNull(subscriber, "of a task there is none");
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
        return running > known; // somebody has called begin(): it may be anybody
    }

    /** The operator's part is over. */
    public void close() {
        if (outer != null) {
            outer.leave(this);
        }
        subscriber = Operators.emptySubscriber();
        ownerHasEnded();
    }

    /** Nothing waits any more. */
    void ownerHasEnded() {
        owner = GONE;
    }

    /** The context for the work, which leads here. */
    public Context context() {
        return context;
    }

    /** The task's context has changed. */
    void replaceContext(Context context) {
        this.context = context.put(Cleanups.class, this);
    }

    /** Returns the clean-ups of the task that awaits, or of the operator around; null if there is none. */
    public static @Nullable Cleanups of(ContextView context) {
        return context.getOrDefault(Cleanups.class, null);
    }

    /**
     * Registers work of a subscription that begins; null if nobody would wait for it.
     *
     * @param subscriber {@code Scannable}, as the operators behind it
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

    /** Work that takes time to end when it is cancelled; from its start to its end. */
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

        /** Unknown, so it may be. */
        @Override
        boolean isForeign(LoopCore loop) {
            return true;
        }

        /** It is being cancelled, and is waited for from now on; better before others can see that. */
        public void cancelled() {
            cleanups.await(this);
        }

        /** It has ended; before its subscriber hears of that. Calling it again does nothing. */
        public void over() {
            cleanups.leave(this);
        }

        /** Whether, it being cancelled, what waits for it was not, nor has failed: an operator between has gone on. */
        public boolean wasCutOff() {
            Scannable link = linkTo(cleanups.owner);
            return link != null
                    && !Boolean.TRUE.equals(link.scan(Scannable.Attr.CANCELLED))
                    && link.scan(Scannable.Attr.ERROR) == null;
        }
    }

    /**
     * Like {@link Asyncio#cleanup}, of work that is over with it: better, since the work is known from its start, and
     * not when an operator has got so far as to clean up.
     *
     * @param work null if nobody waits for it
     */
    public static Mono<Void> cleanup(@Nullable Work work, Publisher<?> publisher) {
        Mono<Void> end = Flux.from(publisher).then();
        return work == null
                ? end
                : end.doFirst(work::cancelled).doOnTerminate(work::over).doOnCancel(work::over);
    }

    /** Something that was cancelled goes on; it calls {@link #end} when it is over. */
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

    /** Work has begun. */
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

    /** Work is about to be cancelled, and to be waited for until it {@linkplain #leave leaves}. */
    synchronized void await(UnderWay work) {
        if (work.stage != Stage.AWAITED && work.stage != Stage.OVER) {
            if (work.stage != Stage.ENTERED) {
                link(work);
            }
            work.stage = Stage.AWAITED;
            running++;
        }
    }

    /** Work is over. */
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

    /** Work that has begun for the owner, which has ended, has to end too; the rest does not concern it. */
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
            boolean own = work.linkTo(owner) != null; // asks operators of others, so without the monitor
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

    /** Runs it for clean-up that waits for a Future, when that has ended: here, or where it is completed. */
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
                return null; // nobody's code runs
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
     * Runs the action when nothing is under way any more: now, or on the thread where the last of it ends. For the end
     * of the owner's part, which {@link #close} is to follow: what is around waits until then.
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
     * The Future that is waited for already, or that of the clean-ups around; null if there is neither. For looking at.
     */
    synchronized @Nullable Object joined() {
        return rest == null ? outer : rest;
    }

    /** A Future that completes when all is over; null if it is. For the owner, which has ended. */
    @Nullable Future<Void> rest() {
        if (first != null) {
            awaitWhatIsLeft();
        }
        return awaited();
    }

    /** Like {@link #rest}, of what is waited for already; from any thread. */
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
