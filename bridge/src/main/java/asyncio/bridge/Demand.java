package asyncio.bridge;

import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import java.util.function.IntSupplier;
import java.util.function.LongConsumer;
import org.jspecify.annotations.Nullable;
import reactor.core.Exceptions;
import reactor.core.publisher.Operators;

/**
 * The demand that a source is told of, if it can be asked: the subscriber's, but never more than the buffer has room
 * for, with what was asked for before and has not come. Guarded by the monitor that guards the buffer; the source is
 * told outside of it, by one thread at a time, the one that has raised {@link #work} from zero.
 */
final class Demand {
    private final Object monitor;
    private final int capacity;
    private final IntSupplier buffered;
    private final Consumer<Throwable> onError;
    private final AtomicInteger work = new AtomicInteger();
    private volatile @Nullable LongConsumer source;

    // guarded by the monitor
    private long wanted;
    private long asked;

    /**
     * @param buffered how many items are in the buffer, or -1 if no more may come; is called under the monitor
     * @param onError is told if the source throws
     */
    Demand(Object monitor, int capacity, IntSupplier buffered, Consumer<Throwable> onError) {
        this.monitor = monitor;
        this.capacity = capacity;
        this.buffered = buffered;
        this.onError = onError;
    }

    void tellTo(LongConsumer source) {
        this.source = source;
    }

    void add(long n) {
        synchronized (monitor) {
            wanted = Operators.addCap(wanted, n);
        }
    }

    /** An item has come, whether it was asked for or not; under the monitor. */
    void received() {
        if (asked > 0) {
            asked--;
        }
    }

    void tell() {
        LongConsumer source = this.source;
        if (source == null || work.getAndIncrement() != 0) {
            return;
        }
        int missed = 1;
        do {
            long n = take();
            if (n > 0) {
                try {
                    source.accept(n);
                } catch (Throwable e) {
                    Exceptions.throwIfFatal(e);
                    onError.accept(e);
                }
            }
            missed = work.addAndGet(-missed);
        } while (missed != 0);
    }

    private long take() {
        synchronized (monitor) {
            int there = buffered.getAsInt();
            long n = there < 0 ? 0 : Math.min(wanted, capacity - there - asked);
            if (n <= 0) {
                return 0;
            }
            asked += n;
            if (wanted != Long.MAX_VALUE) {
                wanted -= n;
            }
            return n;
        }
    }
}
