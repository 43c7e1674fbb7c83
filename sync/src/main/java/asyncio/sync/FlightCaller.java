package asyncio.sync;

import asyncio.Cleanups;
import asyncio.Suspension;
import org.jspecify.annotations.Nullable;
import reactor.core.CoreSubscriber;
import reactor.util.context.Context;

/** A caller of a {@link SingleFlight}. */
abstract class FlightCaller<V> extends Suspension<V> {
    /** Set when it comes; guarded by it from then on. */
    private volatile @Nullable Flight<?, V> flight;

    /** Null if nobody waits for the task's end, or somebody who can ask for it. */
    private Cleanups.@Nullable Work work;
    /** The last one, it waits for the end of the task that was cancelled for it; guarded by the flight. */
    private @Nullable Throwable ending;

    FlightCaller(CoreSubscriber<? super V> actual) {
        super(actual, null);
    }

    /** Under the flight's monitor; false if it has been cancelled. */
    boolean comes(Flight<?, V> flight) {
        if (!isAwait(actual())) {
            work = Cleanups.work(actual());
        }
        this.flight = flight;
        if (isWaiting()) {
            return true;
        }
        turn();
        return false;
    }

    boolean succeed(@Nullable V value) {
        return grant(value);
    }

    boolean fails(Throwable error) {
        return fail(error);
    }

    /** Returns the error that it ends with if the task is cancelled. */
    @Nullable Throwable ending() {
        return ending;
    }

    void endsWith(Throwable error) {
        ending = error;
    }

    Context context() {
        return Context.of(actual().currentContext());
    }

    boolean waits() {
        return isWaiting();
    }

    /** The task is about to be cancelled for it: what it is a part of waits until that has ended. */
    void lingers() {
        if (work != null) {
            work.cancelled();
        }
    }

    /** It is over for it. */
    @Override
    protected void turn() {
        if (work != null) {
            work.over();
        }
    }

    @Override
    protected boolean endEarly(Throwable error) {
        Flight<?, V> flight = this.flight;
        return flight != null && flight.endsEarly(this, error) || super.endEarly(error);
    }

    @Override
    protected void leave() {
        Flight<?, V> flight = this.flight;
        if (flight != null) {
            flight.leave(this);
        }
    }

    /** It is everybody's. */
    @Override
    public void giveBack(@Nullable V value) {}

    @Override
    @SuppressWarnings("rawtypes")
    public @Nullable Object scanUnsafe(Attr key) {
        Flight<?, V> flight = this.flight;
        return key == Attr.PARENT ? flight == null ? null : flight.task() : super.scanUnsafe(key);
    }
}
