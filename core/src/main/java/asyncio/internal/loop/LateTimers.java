package asyncio.internal.loop;

import java.util.Collections;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.TreeMap;

/**
 * The part of a seeded schedule for timers in virtual time: sometimes a timer with another one close behind it is late,
 * and due together with that one. In half of the schedules every timer is on time.
 *
 * <p>No timer is early, none is late by more than a tenth of its delay, and one without another that close behind it is
 * on time. Timers due at the same time are due in the order in which they were set, as always. Netty's timers are on
 * time, and ours are not delayed beyond them.
 */
final class LateTimers {
    private static final int SHARE_OF_DELAY = 10;
    /** A crowd of this many timers is not delayed: looking at all of them at each jump would be quadratic. */
    private static final int CROWD = 64;

    private static final int JUMPS_KNOWN = 1024;

    private final Random random;
    private final boolean some;
    private final TimerQueue timers;
    private final Set<TimerQueue.Entry> late = new HashSet<>();
    /**
     * The clock's times, each by the sequence number of the first timer set at that time, since the clock stands still
     * between jumps.
     */
    private final TreeMap<Long, Long> jumps = new TreeMap<>();

    LateTimers(long seed, TimerQueue timers, long now) {
        this.random = new Random(new SplittableRandom(seed).split().nextLong());
        this.some = random.nextBoolean();
        this.timers = timers;
        jumps.put(0L, now);
    }

    /** Called before a jump, with Netty's next deadline. */
    void beforeJump(long netty) {
        while (some && timers.nextDeadline() < netty && random.nextBoolean()) {
            long deadline = timers.nextDeadline();
            List<TimerQueue.Entry> next = timers.dueBy(deadline, CROWD); // together, since their order must stay
            long later = next.size() == CROWD || !Collections.disjoint(next, late)
                    ? deadline
                    : closeBehind(next, deadline, netty);
            if (later == deadline) {
                return;
            }
            for (TimerQueue.Entry timer : next) {
                late.add(timer);
                timers.postpone(timer, later);
            }
        }
    }

    /** Returns the deadline of another timer that is not much later than these, or their own. */
    private long closeBehind(List<TimerQueue.Entry> timers, long deadline, long netty) {
        long slack = netty - deadline;
        for (TimerQueue.Entry timer : timers) {
            slack = Math.min(slack, (deadline - whenSet(timer)) / SHARE_OF_DELAY);
        }
        List<TimerQueue.Entry> close = this.timers.dueBy(deadline + slack, CROWD);
        if (close.size() == CROWD) {
            return deadline;
        }
        close.removeIf(other -> other.deadlineNanos == deadline);
        close.sort(Comparator.comparingLong(TimerQueue.Entry::sequence)); // the heap's order depends on its history
        return close.isEmpty() ? deadline : close.get(random.nextInt(close.size())).deadlineNanos;
    }

    private long whenSet(TimerQueue.Entry timer) {
        Map.Entry<Long, Long> jump = jumps.floorEntry(timer.sequence());
        return (jump == null ? jumps.firstEntry() : jump).getValue();
    }

    /** Called after a jump. */
    void afterJump(long now) {
        late.removeIf(timer -> timer.deadlineNanos <= now);
        jumps.put(timers.nextSequence(), now);
        if (jumps.size() > JUMPS_KNOWN) {
            jumps.pollFirstEntry();
        }
    }
}
