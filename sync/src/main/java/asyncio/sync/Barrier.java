package asyncio.sync;

import asyncio.ColdMono;
import asyncio.Suspension;
import asyncio.WaitQueue;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.BrokenBarrierException;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import reactor.core.CoreSubscriber;
import reactor.core.Scannable;
import reactor.core.publisher.Mono;

/**
 * A reusable barrier, at which a fixed number of parties wait for each other. When the last party arrives, all resume;
 * a party that arrives again before all have left waits for the next round.
 *
 * <p><b>Threading.</b> Every method may be called from any thread; none blocks.
 *
 * <p><b>Cancelling.</b> A cancelled party leaves, and its place becomes free.
 *
 * <pre>{@code
 * Barrier phase = new Barrier(3);
 * int index = await(phase.await());
 * if (index == 0) {
 *     log("all three are here");
 * }
 * }</pre>
 *
 * <p>asyncio: {@code Barrier}; {@code reset} and {@code abort} need no await here.
 */
public final class Barrier implements Scannable {
    private enum State {
        /** Parties arrive and wait. */
        FILLING,
        /** All have arrived, and some have not resumed yet. */
        DRAINING,
        /** The barrier was reset, and some parties have not resumed yet. */
        RESETTING,
        BROKEN
    }

    private final int parties;
    /** All guarded by this. */
    private State state = State.FILLING;
    /** The number of parties that wait in this round or have not resumed from it. */
    private int count;

    private final WaitQueue<Party> waiting = new WaitQueue<>();
    /** The parties that arrived while others were leaving. */
    private final WaitQueue<Party> blocked = new WaitQueue<>();

    /**
     * Creates a barrier for {@code parties} parties.
     *
     * @throws IllegalArgumentException if {@code parties} is not positive
     */
    public Barrier(int parties) {
        if (parties < 1) {
            throw new IllegalArgumentException("A barrier needs at least 1 party, not " + parties);
        }
        this.parties = parties;
    }

    /**
     * Waits for the other parties. Returns the index of this party in its round: 0 for the first to arrive,
     * {@code parties() - 1} for the last. Nothing happens until subscription.
     *
     * <p>Fails with {@link BrokenBarrierException} if the barrier is broken, or is broken or reset while it waits.
     *
     * <p>asyncio: {@code Barrier.wait}.
     */
    public Mono<Integer> await() {
        return new Await(null);
    }

    /**
     * Like {@link #await()}, for at most {@code limit}; then fails with a
     * {@link java.util.concurrent.TimeoutException}, while the others keep waiting.
     */
    public Mono<Integer> await(Duration limit) {
        return new Await(PermitSource.checked(limit));
    }

    /**
     * Resets the barrier: parties that wait in this round, or have not left it, fail with a
     * {@link BrokenBarrierException}; parties that already wait for the next round do not. asyncio:
     * {@code Barrier.reset}.
     */
    public void reset() {
        change(true);
    }

    /**
     * Breaks the barrier: until {@link #reset}, all waiting and arriving parties fail with a
     * {@link BrokenBarrierException}. asyncio: {@code Barrier.abort}.
     */
    public void abort() {
        change(false);
    }

    private void change(boolean reset) {
        WaitQueue<Party> told = new WaitQueue<>();
        synchronized (this) {
            if (reset) {
                state = count > 0 ? State.RESETTING : State.FILLING;
            } else {
                state = State.BROKEN;
            }
            letGoInto(told);
            if (state == State.BROKEN) {
                for (Party party; (party = blocked.poll()) != null; ) {
                    if (party.refuse(broken("aborted"))) {
                        told.add(party);
                    }
                }
            }
        }
        told.deliverAll();
    }

    /** Returns the number of parties that the barrier waits for. */
    public int parties() {
        return parties;
    }

    /**
     * Returns the number of parties that wait in this round; 0 while parties of the previous one leave. asyncio:
     * {@code Barrier.n_waiting}.
     */
    public synchronized int nWaiting() {
        return state == State.FILLING ? count : 0;
    }

    /** Returns whether the barrier is broken, by {@link #abort}. */
    public synchronized boolean broken() {
        return state == State.BROKEN;
    }

    // ---- arriving and leaving

    private BrokenBarrierException broken(String how) {
        return new BrokenBarrierException("The barrier was " + how + ": " + this);
    }

    /** True if the party need not wait. */
    private boolean come(Party party) {
        WaitQueue<Party> told;
        synchronized (this) {
            if (!party.waits()) {
                return false;
            }
            if (state == State.BROKEN) {
                return party.refuse(broken("broken"));
            }
            if (state != State.FILLING) {
                blocked.add(party);
                return false;
            }
            told = fill(party);
        }
        return told != null && goOnAsLast(party, told);
    }

    /** Notifies the other parties first; true if the last one must resume too. */
    private static boolean goOnAsLast(Party last, WaitQueue<Party> others) {
        others.deliverAll();
        return last.last;
    }

    /** Adds a party to this round. Returns the others to notify if it is the last, else null. Under the monitor. */
    private @Nullable WaitQueue<Party> fill(Party party) {
        party.counted = true;
        count++;
        if (count == parties && waiting.anyMatch(other -> !other.waits())) {
            dropCancelled();
        }
        if (count < parties) {
            waiting.add(party);
            return null;
        }
        state = State.DRAINING;
        WaitQueue<Party> told = new WaitQueue<>();
        letGoInto(told);
        party.last = party.letGo(parties - 1);
        return told;
    }

    /** Removes parties that were cancelled a moment ago on other threads. Under the monitor. */
    private void dropCancelled() {
        for (Party party : waiting.snapshot()) {
            if (!party.waits()) {
                waiting.remove(party);
                party.counted = false;
                count--;
            }
        }
    }

    /** Lets the waiting parties resume; they check the state of the barrier when they do. Under the monitor. */
    private void letGoInto(WaitQueue<Party> told) {
        int index = 0;
        for (Party party; (party = waiting.poll()) != null; ) {
            if (party.letGo(index++)) {
                told.add(party);
            } // else it was cancelled, and is about to leave
        }
    }

    /**
     * Removes a party from this round. If the next round begins, returns the parties that wait for it, which arrive
     * again when they run: the leaving party may still reset this round. Under the monitor.
     */
    private List<Party> left(Party party) {
        if (!party.counted) {
            return List.of();
        }
        party.counted = false;
        count--;
        if (count > 0 || state != State.DRAINING && state != State.RESETTING) {
            return List.of();
        }
        state = State.FILLING;
        return blocked.snapshot();
    }

    private void unblock(List<Party> next) {
        for (Party party : next) {
            party.again();
        }
    }

    /** Lets a blocked party arrive again, unless it has left, or the next round is already full. */
    private void comeAgain(Party party) {
        WaitQueue<Party> told;
        synchronized (this) {
            if (state != State.FILLING || !blocked.remove(party) || !party.waits()) {
                return;
            }
            told = fill(party);
        }
        if (told != null && goOnAsLast(party, told)) {
            party.deliver();
        }
    }

    private void leave(Party party) {
        List<Party> next;
        synchronized (this) {
            if (!blocked.remove(party)) {
                waiting.remove(party);
            }
            next = left(party);
        }
        unblock(next);
    }

    /** Lets the party resume; throws if the barrier was reset or broken before that. */
    private void goOn(Party party) throws BrokenBarrierException {
        BrokenBarrierException broken = null;
        List<Party> next;
        synchronized (this) {
            if (!party.last && state == State.BROKEN) {
                broken = broken("aborted");
            } else if (!party.last && state == State.RESETTING) {
                broken = broken("reset");
            }
            next = left(party);
        }
        unblock(next);
        if (broken != null) {
            throw broken;
        }
    }

    private final class Await extends ColdMono<Integer> {
        private final @Nullable Duration limit;

        Await(@Nullable Duration limit) {
            super(Await.class);
            this.limit = limit;
        }

        @Override
        protected void start(CoreSubscriber<? super Integer> actual) {
            actual.onSubscribe(new Party(Barrier.this, actual, limit));
        }

        @Override
        public String toString() {
            return "await of " + Barrier.this;
        }
    }

    private static final class Party extends Suspension<Integer> {
        private final Barrier barrier;
        /** Whether it completed the round, and need not check the state of that. */
        private boolean last;
        /** Whether it is included in {@link Barrier#count}. */
        private boolean counted;

        Party(Barrier barrier, CoreSubscriber<? super Integer> actual, @Nullable Duration limit) {
            super(actual, limit);
            this.barrier = barrier;
        }

        @Override
        protected boolean begin() {
            return barrier.come(this);
        }

        @Override
        protected void leave() {
            barrier.leave(this);
        }

        boolean waits() {
            return isWaiting();
        }

        void again() {
            later(() -> barrier.comeAgain(this));
        }

        boolean letGo(int index) {
            return grant(index);
        }

        boolean refuse(BrokenBarrierException error) {
            return fail(error);
        }

        @Override
        public @Nullable Integer take(@Nullable Integer index) throws BrokenBarrierException {
            barrier.goOn(this);
            return index;
        }

        @Override
        public void giveBack(@Nullable Integer index) {
            barrier.leave(this);
        }

        @Override
        protected String target() {
            return barrier.toString();
        }
    }

    /** {@code <Barrier [filling, waiters:2/5]>}. */
    @Override
    public synchronized String toString() {
        return "<Barrier [" + state.name().toLowerCase(Locale.ROOT)
                + (state == State.BROKEN ? "" : ", waiters:" + nWaiting() + "/" + parties) + "]>";
    }

    @Override
    public synchronized Stream<? extends Scannable> inners() {
        return Stream.concat(waiting.snapshot().stream(), blocked.snapshot().stream());
    }

    @Override
    @SuppressWarnings("rawtypes")
    public @Nullable Object scanUnsafe(Attr key) {
        if (key == Attr.NAME) {
            return toString();
        }
        if (key == Attr.CAPACITY) {
            return parties;
        }
        return key == Attr.BUFFERED ? nWaiting() : null;
    }
}
