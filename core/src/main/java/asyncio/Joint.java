package asyncio;

import asyncio.internal.loop.LoopCore;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.util.Collection;
import org.jspecify.annotations.Nullable;

/**
 * A Future that ends when its children do, and that passes its cancellation to them.
 *
 * <p>The ends of children are handled on the loop of the Future, one after another, except for children that were
 * already done, and after the loop was closed. So the code is written for any thread.
 */
abstract sealed class Joint<T, C> extends Future.Owned<T> permits Gather, Race {
    private static final VarHandle RUNNING;
    private static final VarHandle REQUEST;
    /** The final value of {@link #request}. */
    private static final Object DECIDED = new Object();

    static {
        try {
            MethodHandles.Lookup lookup = MethodHandles.lookup();
            RUNNING = lookup.findVarHandle(Joint.class, "running", int.class);
            REQUEST = lookup.findVarHandle(Joint.class, "request", Object.class);
        } catch (ReflectiveOperationException e) {
            throw new ExceptionInInitializerError(e);
        }
    }

    final EventLoop loop;
    final Children<C> children;
    /** The number of children that have not reported their end. */
    private volatile int running;
    /**
     * The meeting point of {@link #cancel} and the end. Null: no request. A {@link Request}, with the message of the
     * first: to end cancelled. {@link #DECIDED}: the outcome is settled, too late for requests.
     */
    private volatile @Nullable Object request;

    Joint(EventLoop loop, Children<C> children) {
        super(loop);
        this.loop = loop;
        this.children = children;
        this.running = children.distinct.size();
    }

    @Override
    final boolean cancelsItsParts() {
        return true;
    }

    @Override
    final Collection<? extends Future<?>> parts() {
        return children.distinct;
    }

    private record Request(@Nullable String message) {}

    /** Begins to listen to the children; the last step of the start. */
    final void listen() {
        if (children.distinct.isEmpty()) {
            allEnded();
            return;
        }
        for (Future<C> child : children.distinct) {
            if (child.done() || !child.addWaiter(new Listener<>(this, child))) {
                heardOf(child);
            }
        }
    }

    private void heardOf(Future<C> child) {
        try {
            ended(child);
            if ((int) RUNNING.getAndAdd(this, -1) == 1) {
                allEnded();
            }
        } catch (Throwable e) {
            finishExceptionally(e); // else the end would never be signalled
            throw e;
        }
    }

    /** A child has ended. */
    abstract void ended(Future<C> child);

    /** Returns whether {@link #ended} may run foreign code. */
    boolean runsOthersCode(Future<C> child) {
        return false;
    }

    /** The last child has ended; called once. */
    abstract void allEnded();

    /** Cancels the children, which may take time to end. */
    abstract void cancelChildren(@Nullable String message, @Nullable CancelAll among);

    /** Accepts no more requests; returns the exception to end with if one came in time. */
    final @Nullable CancelledException closeToRequests() {
        return REQUEST.getAndSet(this, DECIDED) instanceof Request request
                ? CancelledException.of(loop, request.message)
                : null;
    }

    /**
     * Requests the cancellation of all children that still run; the Future ends when they have ended.
     *
     * @return false if all have ended, even if they have not reported it: then their outcome stands
     */
    @Override
    public final boolean cancel(@Nullable String message) {
        return cancel(message, null);
    }

    @Override
    final boolean cancel(@Nullable String message, @Nullable CancelAll among) {
        if (among != null && among.hasAsked(this) && (request != DECIDED || isEndingCancelled())) {
            return true;
        }
        if (isEndingCancelled() ? !anyRuns() : !request(message)) {
            return false;
        }
        if (among != null) {
            among.add(this);
        }
        // not by recursion: children may await such Futures themselves, to any depth
        Trampoline.execute(() -> cancelChildren(message, among));
        return true;
    }

    /** Returns whether it is settled that this ends cancelled, while children may still run. */
    boolean isEndingCancelled() {
        return false;
    }

    /** Leaves a request before the children are checked: a child that ends cancelled must find it. */
    private boolean request(@Nullable String message) {
        Request own;
        Object before;
        do {
            before = request;
            if (before == DECIDED) {
                return false;
            }
            own = before instanceof Request first ? new Request(first.message) : new Request(message);
        } while (!REQUEST.compareAndSet(this, before, own));
        return anyRuns() || !REQUEST.compareAndSet(this, own, before);
    }

    private boolean anyRuns() {
        for (Future<C> child : children.distinct) {
            if (!child.done()) {
                return true;
            }
        }
        return false;
    }

    /** Calls user code, not here, where a body's thread may be running, but as a callback. */
    final void callLater(Runnable callback) {
        if (!loop.core.enqueue(callback)) {
            callback.run();
        }
    }

    @Override
    final String describePending() {
        return " pending, waits for " + running + " of " + children.distinct.size();
    }

    private static final class Listener<C> extends Waiter {
        private final Joint<?, C> joint;
        private final Future<C> child;

        Listener(Joint<?, C> joint, Future<C> child) {
            this.joint = joint;
            this.child = child;
        }

        @Override
        public void run() {
            joint.heardOf(child);
        }

        @Override
        Object tells() {
            return joint;
        }

        @Override
        LoopCore resumesOn() {
            return joint.loop.core;
        }

        @Override
        protected boolean isInternal() {
            return !joint.runsOthersCode(child);
        }

        @Override
        public String toString() {
            return joint + " listens to " + child;
        }
    }
}
