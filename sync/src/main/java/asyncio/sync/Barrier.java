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
 * A place where a fixed number of parties wait for each other, again and again. When the last one comes, all go on; who
 * comes back before they have all left waits for the next round.
 *
 * <p><b>Threading.</b> Every method may be called from any thread; none blocks.
 *
 * <p><b>Cancelling.</b> One who is cancelled leaves, and its place is free.
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
        /** Parties come and wait. */
        FILLING,
        /** All have come, and some have not gone on yet. */
        DRAINING,
        /** Reset, and some have not gone on yet. */
        RESETTING,
        BROKEN
    }

    private final int parties;
    /** All guarded by this. */
    private State state = State.FILLING;
    /** The parties that wait in this round, and those of it that have not resumed. */
    private int count;

    private final WaitQueue<Party> waiting = new WaitQueue<>();
    /** The parties that came while others were leaving. */
    private final WaitQueue<Party> blocked = new WaitQueue<>();

    /**
     * For that many parties.
     *
     * @throws IllegalArgumentException if there are fewer than one
     */
    public Barrier(int parties) {
        if (parties < 1) {
            throw new IllegalArgumentException("A barrier cannot have " + parties + " parties: 1 at least");
        }
        this.parties = parties;
    }

    /**
     * Waits for the others. Gives the index of this party in its round: 0 for the first that came, {@code parties() -
     * 1} for the last. Nothing happens until subscription.
     *
     * <p>Errors: {@link BrokenBarrierException} if the barrier is broken, or broken or reset while it waits.
     *
     * <p>asyncio: {@code Barrier.wait}.
     */
    public Mono<Integer> await() {
        return new Await(null);
    }

    /**
     * As {@link #await()}, for at most {@code limit}; then a {@link java.util.concurrent.TimeoutException}, and the
     * others wait on.
     */
    public Mono<Integer> await(Duration limit) {
        return new Await(PermitSource.checked(limit));
    }

    /**
     * Starts afresh: those who wait in this round, or have not left it, get a {@link BrokenBarrierException}; those who
     * already came for the next one do not. asyncio: {@code Barrier.reset}.
     */
    public void reset() {
        change(true);
    }

    /**
     * Breaks the barrier: all who wait, and all who come, get a {@link BrokenBarrierException}, until {@link #reset}.
     * asyncio: {@code Barrier.abort}.
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

    /** Returns the number of parties that meet. */
    public int parties() {
        return parties;
    }

    /**
     * Returns the number of parties that wait in this round; 0 while those of the last one leave. asyncio:
     * {@code Barrier.n_waiting}.
     */
    public synchronized int nWaiting() {
        return state == State.FILLING ? count : 0;
    }

    /** Whether it was aborted. */
    public synchronized boolean broken() {
        return state == State.BROKEN;
    }

    // ---- coming and leaving; those marked so under the monitor

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

    /** The others are told first; true if the last is to go on, too. */
    private static boolean goOnAsLast(Party last, WaitQueue<Party> others) {
        others.deliverAll();
        return last.last;
    }

    /** One comes to this round; if it is the last, those who are to be told, else null. Under the monitor. */
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

    /** Parties that were cancelled a moment ago, on other threads, do not count. Under the monitor. */
    private void dropCancelled() {
        for (Party party : waiting.snapshot()) {
            if (!party.waits()) {
                waiting.remove(party);
                party.counted = false;
                count--;
            }
        }
    }

    /** The waiting parties resume, and find out then what has become of the barrier. Under the monitor. */
    private void letGoInto(WaitQueue<Party> told) {
        int index = 0;
        for (Party party; (party = waiting.poll()) != null; ) {
            if (party.letGo(index++)) {
                told.add(party);
            } // else it was cancelled, and is about to leave
        }
    }

    /**
     * Counts a party of this round out. If the next round begins, returns the parties that came for it, which come in
     * their turn: the leaving party may still reset this round. Under the monitor.
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

    /** A party that was blocked comes again, unless it has left, or the next round has been and gone. */
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

    /** The party goes on, unless the barrier was reset or broken before it could. */
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
        /** It completed the round, and need not look what has become of that. */
        private boolean last;
        /** It is one of {@link Barrier#count}. */
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
