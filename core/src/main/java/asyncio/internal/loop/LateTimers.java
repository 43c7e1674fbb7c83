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
 * The part of a seeded schedule that concerns timers of virtual time: now and then one that has another close behind it
 * is late, and due with that. In one half of the schedules every timer is on time.
 *
 * <p>No timer is early, none is late by more than a tenth of its delay, and one that has no other so close behind it is
 * on time. What is due at the same time is due in the order in which it was set, as ever. A timer of Netty's is on
 * time, and none of ours is late beyond it.
 */
final class LateTimers {
    private static final int SHARE_OF_DELAY = 10;
    /** A crowd of timers is left alone: to look at all of it at each jump would be quadratic. */
    private static final int CROWD = 64;

    private static final int JUMPS_KNOWN = 1024;

    private final Random random;
    private final boolean some;
    private final TimerQueue timers;
    private final Set<TimerQueue.Entry> late = new HashSet<>();
    /** Since the clock stands still between jumps: from which timer on, in the order they were set, it showed what. */
    private final TreeMap<Long, Long> jumps = new TreeMap<>();

    LateTimers(long seed, TimerQueue timers, long now) {
        this.random = new Random(new SplittableRandom(seed).split().nextLong());
        this.some = random.nextBoolean();
        this.timers = timers;
        jumps.put(0L, now);
    }

    /** To be called before a jump, with Netty's next deadline. */
    void beforeJump(long netty) {
        while (some && timers.nextDeadline() < netty && random.nextBoolean()) {
            long deadline = timers.nextDeadline();
            List<TimerQueue.Entry> next = timers.dueBy(deadline, CROWD); // together, since they are in an order
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

    /** The deadline of another timer that is not much later than these, or theirs. */
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
        close.sort(Comparator.comparingLong(TimerQueue.Entry::sequence)); // the heap's order depends on what has been
        return close.isEmpty() ? deadline : close.get(random.nextInt(close.size())).deadlineNanos;
    }

    private long whenSet(TimerQueue.Entry timer) {
        Map.Entry<Long, Long> jump = jumps.floorEntry(timer.sequence());
        return (jump == null ? jumps.firstEntry() : jump).getValue();
    }

    /** To be called after a jump. */
    void afterJump(long now) {
        late.removeIf(timer -> timer.deadlineNanos <= now);
        jumps.put(timers.nextSequence(), now);
        if (jumps.size() > JUMPS_KNOWN) {
            jumps.pollFirstEntry();
        }
    }
}
