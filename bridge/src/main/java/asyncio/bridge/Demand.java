package asyncio.bridge;

import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import java.util.function.IntSupplier;
import java.util.function.LongConsumer;
import org.jspecify.annotations.Nullable;
import reactor.core.Exceptions;
import reactor.core.publisher.Operators;

/**
 * The demand that is passed to a source that accepts requests: that of the subscriber, but never more than fits into
 * the buffer together with the items already requested and not received. Guarded by the monitor that guards the buffer;
 * the source is called outside it, by one thread at a time, the one that has raised {@link #work} from zero.
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
     * @param buffered returns the number of items in the buffer, or -1 if no more may arrive; called under the monitor
     * @param onError called if the source throws
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

    /** Counts an item that has arrived, requested or not; under the monitor. */
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
