package asyncio.queue;

import asyncio.AttemptSubscription;
import asyncio.Suspension;
import asyncio.WaitQueue;
import java.util.List;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * The state of a {@link Queue#rendezvous}, which holds no items: an item stays its putter's until a getter resumes with
 * it. A putter waits in line; the getter that is granted its item holds it while it is on its way, and settles what
 * becomes of the put:
 *
 * <ul>
 *   <li>it resumes: the putter completes, in the same monitor, even if it was told to end meanwhile;
 *   <li>it is cancelled: the next getter in line is granted the item; without one the putter is back in its place, or
 *       ends, if it was told to.
 * </ul>
 *
 * <p>So a put that ends with an error has not happened, and one that completes has. Only a subscription that is
 * disposed of while a getter holds its item does not hear which of the two it was.
 */
final class RendezvousCore<T> extends QueueCore<T> {
    private final Offers<T> offers;

    static <T> RendezvousCore<T> create(String type, @Nullable Consumer<? super T> onUndelivered) {
        WaitQueue<Putter<T>> line = new WaitQueue<>();
        return new RendezvousCore<>(type, line, new Offers<>(line), onUndelivered);
    }

    private RendezvousCore(
            String type, WaitQueue<Putter<T>> line, Offers<T> offers, @Nullable Consumer<? super T> onUndelivered) {
        super(type, 0, offers, line, onUndelivered);
        this.offers = offers;
    }

    @Override
    boolean isRendezvous() {
        return true;
    }

    // ---- putting

    /** A put that does not wait: the item is a waiting getter's. */
    @Override
    boolean put(T item, @Nullable AttemptSubscription<?> attempt) {
        Told told;
        synchronized (this) {
            if (shutDown) {
                throw state().refusal("put into");
            }
            offers.pass();
            told = offer(item, offers.place);
            if (told == null) {
                return false;
            }
            unfinished++;
        }
        tell(told);
        return true;
    }

    @Override
    boolean begin(Putter<T> putter) {
        Told told;
        synchronized (this) {
            if (shutDown) {
                return putter.refuse(state().refusal("put into")) != null;
            }
            if (!putter.isStillWaiting()) {
                return false;
            }
            offers.pass();
            putter.place = offers.place;
            offers.grant(putter);
            told = offer(putter.item, putter.place);
            if (told == null) {
                offers.settle(putter.place);
                putters.add(putter);
            }
        }
        tell(told);
        return false;
    }

    @Override
    void enterReserved(T item) {}

    @Override
    void releaseSlot() {}

    @Override
    int room() {
        return 0;
    }

    /** Its subscription was disposed of, or its loop is closed. */
    @Override
    synchronized void leave(Putter<T> putter) {
        if (!withdraw(putter)) {
            putter.isGettersOwn = true;
        }
    }

    /** Takes the item out; false if a getter is about to resume with it, or has. */
    private boolean withdraw(Putter<T> putter) {
        if (offers.remove(putter)) {
            return true;
        }
        if (offers.granted(putter.place) != putter) {
            return !putter.isGettersOwn; // it has not begun
        }
        return getters.anyMatch(getter -> getter.retract(putter.place)) && offers.settle(putter.place) != null;
    }

    @Override
    boolean end(Putter<T> putter, Throwable error) {
        Suspension<?> told;
        synchronized (this) {
            if (!putter.isStillWaiting()) {
                return false;
            }
            if (!withdraw(putter)) {
                putter.ending = putter.ending == null ? error : putter.ending;
                return false;
            }
            told = putter.refuse(error);
        }
        tell(told);
        return told != null;
    }

    @Override
    synchronized boolean isGettersOwn(Putter<T> putter) {
        return putter.isGettersOwn;
    }

    // ---- getting

    @Override
    @Nullable Suspension<?> polled() {
        return settle(offers.place);
    }

    @Override
    void taken(long place) {
        Suspension<?> told;
        synchronized (this) {
            told = settle(place);
        }
        tell(told);
    }

    /** An item is its getter's for good; whom to tell. */
    private @Nullable Suspension<?> settle(long place) {
        Putter<T> putter = offers.settle(place);
        if (putter == null) {
            return null; // it was put at once
        }
        unfinished++;
        putter.isGettersOwn = true;
        return putter.admit();
    }

    @Override
    boolean isWithdrawn(long place, List<Told> told) {
        Putter<T> putter = offers.granted(place);
        if (putter == null) {
            return false;
        }
        Throwable ending = putter.ending != null ? putter.ending : shutDown ? state().refusal("put into") : null;
        if (putter.isStillWaiting() && ending == null) {
            return false;
        }
        offers.settle(place);
        Suspension<?> ended = ending == null ? null : putter.refuse(ending);
        if (ended == null) {
            putter.isGettersOwn =
                    true; // it is being cancelled: its leave() comes later, and finds that this has told it
            told.add(putter::notTaken);
        } else {
            told.add(ended::deliver);
        }
        return true;
    }

    @Override
    void refuseReturned(List<Suspension<?>> told) {
        for (Putter<T> putter : offers.takeReturned()) {
            add(told, putter.refuse(state().refusal("put into")));
        }
    }

    // ---- looking

    @Override
    int putterCount() {
        return waitingPutters().size();
    }

    /** Also those whose items getters are about to resume with. */
    @Override
    List<Putter<T>> waitingPutters() {
        List<Putter<T>> all = offers.putters();
        all.addAll(putters.snapshot());
        return all;
    }

    /** Only what was put at once, and given back, is in it. */
    @Override
    synchronized int size() {
        return offers.ownerless();
    }

    @Override
    synchronized boolean isFull() {
        return getters.isEmpty();
    }
}
