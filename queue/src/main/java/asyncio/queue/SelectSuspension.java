package asyncio.queue;

import asyncio.Log;
import asyncio.Suspension;
import java.time.Duration;
import java.util.List;
import java.util.function.Function;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import reactor.core.CoreSubscriber;
import reactor.util.context.Context;

/**
 * A waiter for the first of several clauses. Each has an arm among the waiters of its queue. The first queue to settle
 * this has won, under its own monitor; after that the other arms reject any offer.
 */
final class SelectSuspension extends Suspension<Object> implements Told {
    /** The outcome of the Select. */
    private record Won(
            Select.@Nullable Arm arm,
            @Nullable Object item,
            @Nullable QueueShutDownException error) {}

    private final List<Select.Arm> arms;

    SelectSuspension(CoreSubscriber<Object> actual, @Nullable Duration limit, List<Select.Clause> clauses) {
        super(actual, limit);
        arms = clauses.stream().map(clause -> clause.arm(this)).toList();
    }

    private boolean isOpen() {
        return isWaiting();
    }

    private @Nullable Suspension<?> win(Select.Arm arm, @Nullable Object item) {
        return grant(new Won(arm, item, null)) ? this : null;
    }

    private @Nullable Suspension<?> lose(QueueShutDownException error) {
        return grant(new Won(null, null, error)) ? this : null;
    }

    @Override
    protected boolean begin() {
        try {
            for (Select.Arm arm : arms) {
                if (arm.begin()) {
                    return true;
                }
                if (!isWaiting()) {
                    return false; // the thread that settled it delivers
                }
            }
        } catch (RuntimeException | Error e) { // from a comparator
            leave();
            throw e;
        }
        return false;
    }

    @Override
    protected void leave() {
        arms.forEach(Select.Arm::leave);
    }

    @Override
    public @Nullable Object take(@Nullable Object value) {
        leave();
        if (!(value instanceof Won won)) {
            return value;
        }
        if (won.error != null) {
            throw won.error;
        }
        return won.arm == null ? null : won.arm.happened(won.item);
    }

    @Override
    public void giveBack(@Nullable Object value) {
        leave();
        if (value instanceof Won won && won.arm != null) {
            won.arm.undo(won.item);
        }
    }

    /** Ignores an error that arrives too late. */
    @Override
    protected void undelivered(@Nullable Object value, @Nullable Throwable error) {
        giveBack(value);
    }

    @Override
    protected String target() {
        return "the first of " + arms;
    }

    /** Returns a subscriber for an arm, which is never notified itself. */
    @SuppressWarnings("unchecked")
    private static <V> CoreSubscriber<V> unused(SelectSuspension selecting) {
        return (CoreSubscriber<V>) (CoreSubscriber<?>) selecting.actual();
    }

    private Context context() {
        return Context.of(actual().currentContext());
    }

    static final class GetArm<T> extends Getter<T> implements Select.Arm {
        private final SelectSuspension selecting;
        private final QueueCore<T> core;
        private final Function<? super T, ?> then;

        GetArm(SelectSuspension selecting, QueueCore<T> core, Function<? super T, ?> then) {
            super(core, SelectSuspension.<T>unused(selecting), null, false, null);
            this.selecting = selecting;
            this.core = core;
            this.then = then;
        }

        @Override
        boolean isStillWaiting() {
            return selecting.isOpen();
        }

        @Override
        @Nullable Told offer(T item, long place) {
            this.place = place;
            return selecting.win(this, item) == null ? null : selecting;
        }

        @Override
        @Nullable Suspension<?> refuse(QueueShutDownException error) {
            return selecting.lose(error);
        }

        @Override
        public boolean begin() {
            return super.begin();
        }

        @Override
        public void leave() {
            super.leave();
        }

        @Override
        @SuppressWarnings({"unchecked", "NullAway"}) // the item it was offered
        public @Nullable Object happened(@Nullable Object item) {
            core.taken(place);
            return then.apply((T) item);
        }

        @Override
        @SuppressWarnings({"unchecked", "NullAway"}) // the item it was offered
        public void undo(@Nullable Object item) {
            core.giveBack((T) item, place, selecting.context());
        }

        @Override
        public String toString() {
            return "get() of " + core.describe();
        }
    }

    static final class PutArm<T> extends Putter<T> implements Select.Arm {
        private final SelectSuspension selecting;
        private final QueueCore<T> core;
        private final Supplier<?> then;

        PutArm(SelectSuspension selecting, QueueCore<T> core, T item, Supplier<?> then) {
            super(core, item, SelectSuspension.<Void>unused(selecting), null, null);
            this.selecting = selecting;
            this.core = core;
            this.then = then;
        }

        @Override
        boolean isStillWaiting() {
            return selecting.isOpen();
        }

        @Override
        @Nullable Suspension<?> admit() {
            return selecting.win(this, null);
        }

        @Override
        @Nullable Suspension<?> refuse(QueueShutDownException error) {
            return selecting.lose(error);
        }

        @Override
        public boolean begin() {
            return super.begin();
        }

        @Override
        public void leave() {
            super.leave();
        }

        @Override
        public @Nullable Object happened(@Nullable Object nothing) {
            core.enterReserved(item);
            return then.get();
        }

        @Override
        public void undo(@Nullable Object nothing) {
            core.releaseSlot();
        }

        @Override
        public String toString() {
            return "put(" + Log.text(item) + ") into " + core.describe();
        }
    }
}
