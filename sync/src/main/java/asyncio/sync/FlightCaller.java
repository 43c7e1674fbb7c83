package asyncio.sync;

import asyncio.Cleanups;
import asyncio.Suspension;
import org.jspecify.annotations.Nullable;
import reactor.core.CoreSubscriber;
import reactor.util.context.Context;

/** A caller of a {@link SingleFlight}. */
abstract class FlightCaller<V> extends Suspension<V> {
    /** Set when the caller joins; that flight guards the caller from then on. */
    private volatile @Nullable Flight<?, V> flight;

    /** The clean-up to report; null if nothing waits for the task's end, or only a subscriber that can request it. */
    private Cleanups.@Nullable Work work;
    /** Set if this is the last caller, which waits for the end of the task cancelled for it; guarded by the flight. */
    private @Nullable Throwable ending;

    FlightCaller(CoreSubscriber<? super V> actual) {
        super(actual, null);
    }

    /** Joins a flight, under the flight's monitor; false if the caller has been cancelled. */
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

    /** Returns the error to end with if the task is cancelled. */
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

    /** Called before the task is cancelled for it: the work it is part of waits until the task has ended. */
    void lingers() {
        if (work != null) {
            work.cancelled();
        }
    }

    /** Reports that it has ended. */
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

    /** The value is shared: there is nothing to give back. */
    @Override
    public void giveBack(@Nullable V value) {}

    @Override
    @SuppressWarnings("rawtypes")
    public @Nullable Object scanUnsafe(Attr key) {
        Flight<?, V> flight = this.flight;
        return key == Attr.PARENT ? flight == null ? null : flight.task() : super.scanUnsafe(key);
    }
}
