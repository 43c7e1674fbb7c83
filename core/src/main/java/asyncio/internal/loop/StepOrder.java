package asyncio.internal.loop;

import java.util.ArrayList;
import java.util.Collections;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Queue;
import java.util.Random;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.WeakHashMap;
import org.jspecify.annotations.Nullable;

/**
 * A seeded schedule: decides which steps of the ready tasks run in a tick, and in which order; the others stay ready.
 * Callbacks run in their tick, in the order of their arrival, since callSoon and Netty promise that. A step may come
 * later than its turn, but never before a callback that was queued before it. A step that is held back keeps the ready
 * queue from being empty, so virtual time stands still.
 *
 * <p>Most schedules are those of probabilistic concurrency testing (S. Burckhardt, P. Kothari, M. Musuvathi, S.
 * Nagarakatte: A Randomized Scheduler with Probabilistic Guarantees of Finding Bugs, ASPLOS 2010): each task has a
 * priority, only the ready task with the highest one takes a step, and at some change points the task that would be
 * next gets a lower priority than all the others. The number of steps, which the paper takes as given, is drawn too,
 * since the seed alone must determine the schedule; after that number of steps there are as many change points again.
 * In some of these schedules all tasks start with the same priority, so that they keep the plain order without a change
 * point.
 *
 * <p>The others are random walks: at each tick every step is held back with the same probability, and the others are
 * shuffled.
 */
final class StepOrder {
    /** The number of ticks that a task may be held back, since another one may poll for its result. */
    private static final int PATIENCE = 100;

    private enum Kind {
        WALK,
        /** All tasks start with the same priority. */
        EQUAL,
        /** Each task starts with its own priority. */
        RANKED;

        static Kind of(int quarter) {
            return quarter == 0 ? WALK : quarter == 1 ? EQUAL : RANKED;
        }
    }

    private final Random random;
    private final Kind kind;
    /**
     * In a walk, one of {@code period + 1} steps is held back, none if zero. Otherwise the number of steps after which
     * the change points are drawn again.
     */
    private final int period;

    private final Map<Object, Rank> ranks = new WeakHashMap<>();
    /** The priority of the callbacks, which count as one task that is never held back but may go first. */
    private final double callbacks;
    /** The indexes of the next steps that are change points. */
    private final int[] changePoints;

    private int stepsLeft;
    private double highest = 1;

    /** @param holds whether steps are held back; in real time, where that would cost time, they are only shuffled */
    StepOrder(long seed, boolean holds) {
        random = new Random(new SplittableRandom(seed).nextLong()); // otherwise close seeds begin alike
        // each combination of kind, period and number of points occurs within any sixty consecutive seeds
        long digits = Math.floorMod(seed, 60L);
        kind = holds ? Kind.of((int) digits % 4) : Kind.WALK;
        period = !holds ? 0 : kind == Kind.WALK ? (int) (digits / 4 % 5) : 4 << digits / 4 % 5;
        changePoints = new int[(int) (1 + digits / 20)];
        callbacks = random.nextDouble();
    }

    private static final class Rank {
        /** From zero to one; below zero after a change point, above one after too long a wait. */
        double priority;

        int ticksHeld;

        Rank(double priority) {
            this.priority = priority;
        }
    }

    /** Puts the entries of this tick first; returns their number, at least one if there are any. */
    int arrange(Queue<Runnable> ready) {
        int steps = 0;
        for (Runnable entry : ready) {
            steps += taskOf(entry) == null ? 0 : 1;
        }
        return steps == 0 ? ready.size() : arrange(ready, chosen(ready, steps < ready.size()));
    }

    private int arrange(Queue<Runnable> ready, Set<Runnable> chosen) {
        List<Runnable> now = new ArrayList<>();
        List<Runnable> waiting = new ArrayList<>();
        List<Runnable> held = new ArrayList<>();
        for (Runnable entry; (entry = ready.poll()) != null; ) {
            if (taskOf(entry) == null) {
                moveSome(waiting, now);
                now.add(entry);
            } else {
                (chosen.contains(entry) ? waiting : held).add(entry);
            }
        }
        move(waiting, waiting.size(), now);
        ready.addAll(now);
        ready.addAll(held);
        return now.size();
    }

    /** Moves some of the waiting steps ahead of the next callback. */
    private void moveSome(List<Runnable> waiting, List<Runnable> now) {
        move(waiting, random.nextInt(waiting.size() + 1), now);
    }

    private void move(List<Runnable> waiting, int n, List<Runnable> now) {
        if (kind == Kind.WALK) {
            Collections.shuffle(waiting, random);
        }
        List<Runnable> first = waiting.subList(0, n);
        now.addAll(first);
        first.clear();
    }

    /** Chooses the steps of this tick; at least one, unless callbacks run. */
    private Set<Runnable> chosen(Queue<Runnable> ready, boolean withCallbacks) {
        Set<Runnable> chosen = new HashSet<>();
        do {
            if (kind == Kind.WALK) {
                walk(ready, chosen);
            } else {
                byPriority(ready, withCallbacks, chosen);
            }
        } while (chosen.isEmpty() && !withCallbacks);
        return chosen;
    }

    private void walk(Queue<Runnable> ready, Set<Runnable> chosen) {
        for (Runnable entry : ready) {
            if (taskOf(entry) != null && (period == 0 || random.nextInt(period + 1) > 0)) {
                chosen.add(entry);
            }
        }
    }

    // ---- by priority

    private void byPriority(Queue<Runnable> ready, boolean withCallbacks, Set<Runnable> chosen) {
        double top = Double.NEGATIVE_INFINITY;
        for (Runnable entry : ready) {
            if (taskOf(entry) != null) {
                top = Math.max(top, rankOf(entry).priority);
            }
        }
        boolean callbacksFirst = withCallbacks && top < callbacks;
        for (Runnable entry : ready) {
            if (taskOf(entry) != null && runs(rankOf(entry), callbacksFirst ? callbacks : top)) {
                chosen.add(entry);
            }
        }
    }

    private boolean runs(Rank rank, double top) {
        if (rank.priority >= top && !atChangePoint(rank)) {
            rank.ticksHeld = 0;
            return true;
        }
        if (++rank.ticksHeld > PATIENCE) {
            rank.ticksHeld = 0;
            rank.priority = ++highest; // it keeps running until another one has waited as long
            return true;
        }
        return false;
    }

    private boolean atChangePoint(Rank rank) {
        if (stepsLeft == 0) {
            stepsLeft = period;
            for (int i = 0; i < changePoints.length; i++) {
                changePoints[i] = random.nextInt(period);
            }
        }
        stepsLeft--;
        for (int point : changePoints) {
            if (point == stepsLeft) {
                rank.priority = -random.nextDouble();
                return true;
            }
        }
        return false;
    }

    private Rank rankOf(Runnable step) {
        return ranks.computeIfAbsent(
                Objects.requireNonNull(taskOf(step)), task -> new Rank(kind == Kind.EQUAL ? 0.5 : random.nextDouble()));
    }

    /** Returns the task that takes the step; null for a callback. */
    private static @Nullable Object taskOf(Runnable entry) {
        return entry instanceof Entry own ? own.task() : null;
    }
}
