package asyncio;

import asyncio.internal.loop.LoopCore;
import asyncio.internal.loop.TimerQueue;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Mono;

/**
 * Starts the participants of a {@link Race} one after the other: the next one when one fails, or when the last one has
 * run for a time. Each waits at a gate in its own task, so that it is cancelled and waited for like the others.
 *
 * <p>Failures arrive on the loop, except for those that were there at the start, so a monitor guards the gates. The
 * thread that removes a gate opens it, without the monitor. The timer belongs to the current first gate: one that was
 * removed too late finds another in its place.
 */
final class Stagger {
    private final EventLoop loop;
    private final @Nullable Duration delay;
    /** The closed gates; guarded by this, as is the timer. */
    private final Deque<Future<Void>> gates = new ArrayDeque<>();

    private @Nullable Alarm timer;

    /** @param delay the time between starts; null to start the next one only when one has failed */
    Stagger(EventLoop loop, @Nullable Duration delay) {
        this.loop = loop;
        this.delay = delay;
    }

    /** Puts all Monos behind gates, except the first one, and Futures, which are under way anyway. */
    <T> List<Mono<? extends T>> gate(List<Mono<? extends T>> sources) {
        List<Mono<? extends T>> gated = new ArrayList<>(sources.size());
        boolean first = true;
        for (Mono<? extends T> source : sources) {
            if (first || source instanceof Future<?>) {
                gated.add(source);
            } else {
                Future<Void> gate = new Future<>(loop);
                gates.add(gate);
                gated.add(new MonoScope.Supplied<T>(Race.class, false, () -> new GateSteps<>(gate, source)));
            }
            first = false;
        }
        return gated;
    }

    /** Called when the first have started. */
    synchronized void start() {
        arm();
    }

    /** Lets the next one start; from any thread. */
    void openNext() {
        Future<Void> next;
        do {
            synchronized (this) {
                disarm();
                next = gates.poll();
                arm();
            }
        } while (next != null && !next.trySetResult(null)); // that task was cancelled from outside
    }

    private void timeIsOut(Alarm alarm) {
        synchronized (this) {
            if (timer != alarm) {
                return;
            }
        }
        openNext();
    }

    /** Lets no more start. */
    synchronized void close() {
        disarm();
        gates.clear();
    }

    private void arm() {
        if (delay != null && !gates.isEmpty()) {
            Alarm alarm = new Alarm();
            timer = alarm;
            alarm.entry = new TimerQueue.Entry(alarm, loop.deadline(delay));
            loop.core.addTimer(alarm.entry);
        }
    }

    private void disarm() {
        Alarm alarm = timer;
        timer = null;
        if (alarm != null && alarm.entry != null) {
            loop.core.removeTimer(alarm.entry);
        }
    }

    private final class Alarm extends Waiter {
        private TimerQueue.@Nullable Entry entry;

        @Override
        public void run() {
            timeIsOut(this);
        }

        /** Does nothing: the close also ends the waiters at the gates. */
        @Override
        protected void loopClosed() {}

        @Override
        protected boolean isInternal() {
            return true;
        }

        @Override
        LoopCore resumesOn() {
            return loop.core;
        }
    }

    /** Waits at a gate, then for the Mono behind it. */
    private static final class GateSteps<T> extends Steps<T> {
        private final Future<Void> gate;
        private final Mono<? extends T> source;
        private boolean open;
        private @Nullable T value;

        GateSteps(Future<Void> gate, Mono<? extends T> source) {
            this.gate = gate;
            this.source = source;
        }

        @Override
        Mono<?> begin(Task<?> task) {
            return gate;
        }

        @Override
        @SuppressWarnings("unchecked") // the second wait is for the value
        @Nullable Mono<?> next(@Nullable Object value, @Nullable Throwable error) throws Exception {
            if (error != null) {
                throw Misuse.<Exception>sneaky(error);
            }
            if (!open) {
                open = true;
                return source;
            }
            this.value = (T) value;
            return null;
        }

        @Override
        @Nullable T result() {
            return value;
        }
    }
}
