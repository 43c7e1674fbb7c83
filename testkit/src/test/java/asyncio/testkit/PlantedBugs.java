package asyncio.testkit;

import static asyncio.Asyncio.all;
import static asyncio.Asyncio.async;
import static asyncio.Asyncio.await;
import static asyncio.Asyncio.createTask;
import static asyncio.Asyncio.sleep;
import static asyncio.Asyncio.waitFor;

import asyncio.Asyncio;
import asyncio.Body;
import asyncio.CancelledException;
import asyncio.EventLoop;
import asyncio.Future;
import asyncio.ReturnWhen;
import asyncio.Task;
import asyncio.TaskGroup;
import asyncio.queue.Queue;
import asyncio.queue.QueueShutDownException;
import asyncio.sync.Barrier;
import asyncio.sync.BoundedSemaphore;
import asyncio.sync.Condition;
import asyncio.sync.Event;
import asyncio.sync.Lock;
import asyncio.sync.Permit;
import asyncio.sync.Semaphore;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import reactor.core.publisher.Mono;

/**
 * Programs with a bug that the plain order of tasks does not show, each with its depth: the number of events that must
 * be reordered to show it.
 */
enum PlantedBugs {
    LOST_UPDATE_ONE_TICK_BEYOND(2) {
        @Override
        void run() throws Exception {
            lostUpdate(1, 2);
        }
    },
    LOST_UPDATE_OVER_TWO_AWAITS(2) {
        @Override
        void run() throws Exception {
            lostUpdate(2, 4);
        }
    },
    LOST_UPDATE_OVER_THREE_AWAITS(2) {
        @Override
        void run() throws Exception {
            lostUpdate(3, 6);
        }
    },
    LOST_UPDATE_TEN_TICKS_LATER(2) {
        @Override
        void run() throws Exception {
            lostUpdate(1, 10);
        }
    },
    LOST_UPDATE_AMONG_TEN(2) {
        @Override
        void run() throws Exception {
            int[] total = {0};
            List<Task<Void>> tasks = new ArrayList<>();
            for (int i = 0; i < 10; i++) {
                int number = i;
                tasks.add(createTask(async(() -> {
                    ticks(2 * number);
                    int before = total[0];
                    ticks(1);
                    total[0] = before + 1;
                })));
            }
            for (Task<Void> task : tasks) {
                await(task);
            }
            check(total[0] == 10, "lost update");
        }
    },
    LOCK_ORDER_ONE_TICK_LATE(2) {
        @Override
        void run() throws Exception {
            lockOrder(2);
        }
    },
    LOCK_ORDER_THREE_TICKS_LATE(2) {
        @Override
        void run() throws Exception {
            lockOrder(3);
        }
    },
    LOCK_ORDER_TEN_TICKS_LATE(2) {
        @Override
        void run() throws Exception {
            lockOrder(10);
        }
    },
    THREE_PHILOSOPHERS(3) {
        @Override
        void run() throws Exception {
            Lock a = new Lock();
            Lock b = new Lock();
            Lock c = new Lock();
            together(() -> takeBoth(a, b), later(3, () -> takeBoth(b, c)), later(6, () -> takeBoth(c, a)));
        }
    },
    PERMITS_TAKEN_ONE_BY_ONE(2) {
        @Override
        void run() throws Exception {
            Semaphore two = new Semaphore(2);
            Body taker = () -> {
                try (Permit one = await(two.acquire())) {
                    ticks(1);
                    try (Permit other = await(two.acquire())) {
                        check(one.permits() + other.permits() == 2, "permits");
                    }
                }
            };
            together(taker, later(4, taker));
        }
    },
    USE_AFTER_CLOSE_TWO_TICKS_LATE(1) {
        @Override
        void run() throws Exception {
            useAfterClose(2);
        }
    },
    USE_AFTER_CLOSE_SEVEN_TICKS_LATE(1) {
        @Override
        void run() throws Exception {
            useAfterClose(7);
        }
    },
    USE_BEFORE_READY(1) {
        @Override
        void run() throws Exception {
            boolean[] ready = {false};
            together(later(1, () -> ready[0] = true), later(4, () -> check(ready[0], "used too early")));
        }
    },
    TIMERS_10_AND_11_MS(2) {
        @Override
        void run() throws Exception {
            closeTimers(10_000, 11_000);
        }
    },
    TIMERS_5_PERCENT_APART(2) {
        @Override
        void run() throws Exception {
            closeTimers(100_000, 105_000);
        }
    },
    TIMERS_1_PERCENT_APART(2) {
        @Override
        void run() throws Exception {
            closeTimers(1_000_000, 1_010_000);
        }
    },
    TIMERS_WHEN_TIME_HAS_PASSED(2) {
        @Override
        void run() throws Exception {
            await(sleep(Duration.ofHours(1)));
            closeTimers(10_000, 11_000);
        }
    },
    TIMERS_AMONG_OTHERS(2) {
        @Override
        void run() throws Exception {
            Task<Void> beats = createTask(async(() -> {
                while (true) {
                    await(sleep(Duration.ofMillis(3)));
                }
            }));
            try {
                closeTimers(100_000, 104_000);
            } finally {
                beats.cancel();
            }
        }
    },
    USE_AFTER_CLOSE_BY_TIMERS(2) {
        @Override
        void run() throws Exception {
            boolean[] open = {true};
            together(
                    () -> {
                        for (int i = 0; i < 3; i++) {
                            await(sleep(Duration.ofMillis(10)));
                            check(open[0], "used after close");
                        }
                    },
                    () -> {
                        await(sleep(Duration.ofMillis(31)));
                        open[0] = false;
                    });
        }
    },
    CALLBACKS_BY_CLOSE_TIMERS(2) {
        @Override
        void run() throws Exception {
            EventLoop loop = EventLoop.getRunningLoop();
            Future<Boolean> early = loop.createFuture();
            boolean[] ready = {false};
            loop.callLater(Duration.ofMillis(11), () -> early.setResult(!ready[0]));
            loop.callLater(Duration.ofMillis(10), () -> ready[0] = true);
            check(!await(early), "used too early");
        }
    },
    LIMIT_CLOSE_TO_THE_WORK(2) {
        @Override
        void run() throws Exception {
            await(waitFor(
                    async(() -> {
                        await(sleep(Duration.ofMillis(50)));
                        await(sleep(Duration.ofMillis(50)));
                    }),
                    Duration.ofMillis(103)));
        }
    },
    HEARTBEAT_CLOSE_TO_ITS_LIMIT(2) {
        @Override
        void run() throws Exception {
            Event beat = new Event();
            Task<Void> sender = createTask(async(() -> {
                while (true) {
                    await(sleep(Duration.ofMillis(1000)));
                    beat.set();
                }
            }));
            try {
                for (int i = 0; i < 3; i++) {
                    await(beat.await(Duration.ofMillis(1050)));
                    ticks(1);
                    check(beat.isSet(), "a beat that was seen twice");
                    await(sleep(Duration.ofMillis(1)));
                    beat.clear();
                }
            } finally {
                sender.cancel();
            }
        }
    },
    CHECK_THEN_ACT_ON_A_QUEUE(2) {
        @Override
        void run() throws Exception {
            Queue<Integer> queue = Queue.unbounded();
            queue.putNowait(1);
            Body consumer = () -> {
                if (!queue.isEmpty()) {
                    ticks(1);
                    queue.getNowait();
                }
            };
            together(consumer, later(3, consumer));
        }
    },
    PUTS_WITHOUT_WAITING(1) {
        @Override
        void run() throws Exception {
            Queue<Integer> queue = new Queue<>(1);
            together(
                    () -> {
                        await(queue.get());
                        await(queue.get());
                    },
                    later(2, () -> {
                        queue.putNowait(1);
                        ticks(3); // surely taken by then
                        queue.putNowait(2);
                        ticks(3);
                        queue.putNowait(3);
                        await(queue.get());
                    }));
        }
    },
    READ_AFTER_SHUTDOWN(2) {
        @Override
        void run() throws Exception {
            Queue<Integer> queue = Queue.unbounded();
            queue.putNowait(1);
            together(
                    () -> {
                        while (!queue.isEmpty() && !queue.isShutdown()) {
                            ticks(1);
                            await(queue.get());
                        }
                    },
                    later(4, () -> queue.shutdown(true)));
        }
    },
    PUT_AFTER_SHUTDOWN(1) {
        @Override
        void run() throws Exception {
            Queue<Integer> queue = Queue.unbounded();
            together(
                    () -> {
                        for (int i = 0; i < 3; i++) {
                            queue.putNowait(i);
                            ticks(1);
                        }
                    },
                    later(5, queue::shutdown));
        }
    },
    MISSED_SIGNAL(1) {
        @Override
        void run() throws Exception {
            Condition changed = new Condition();
            together(
                    () -> {
                        try (Permit permit = await(changed.acquire())) {
                            await(changed.await());
                            check(!permit.isReleased(), "permit");
                        }
                    },
                    later(3, () -> {
                        try (Permit permit = await(changed.acquire())) {
                            changed.signal();
                            check(!permit.isReleased(), "permit");
                        }
                    }));
        }
    },
    EVENT_AS_A_PULSE(1) {
        @Override
        void run() throws Exception {
            Event pulse = new Event();
            together(
                    later(1, () -> await(pulse.await())), //
                    later(4, () -> {
                        pulse.set();
                        pulse.clear();
                    }));
        }
    },
    EVENT_CLEARED_TOO_LATE(2) {
        @Override
        void run() throws Exception {
            Event filled = new Event();
            List<Integer> items = new ArrayList<>();
            int[] taken = {0};
            together(
                    () -> {
                        while (taken[0] < 2) {
                            await(filled.await());
                            taken[0] += items.size();
                            items.clear();
                            ticks(1);
                            filled.clear();
                        }
                    },
                    () -> {
                        items.add(1);
                        filled.set();
                        ticks(5);
                        items.add(2);
                        filled.set();
                    });
        }
    },
    BARRIER_WITH_A_GUEST(1) {
        @Override
        void run() throws Exception {
            Barrier pair = new Barrier(2);
            int[] results = {0, 0};
            together(
                    () -> {
                        results[0] = 1;
                        await(pair.await());
                        check(results[1] == 2, "the other one has no result");
                    },
                    later(1, () -> {
                        results[1] = 2;
                        await(pair.await());
                        check(results[0] == 1, "the other one has no result");
                    }),
                    later(4, () -> await(pair.await())), // any pair will do
                    later(5, () -> await(pair.await())));
        }
    },
    BARRIER_RESET_TOO_EARLY(1) {
        @Override
        void run() throws Exception {
            Barrier barrier = new Barrier(2);
            together(
                    () -> await(barrier.await()), //
                    later(1, () -> await(barrier.await())),
                    later(4, barrier::reset));
        }
    },
    DOUBLE_RELEASE(2) {
        @Override
        void run() throws Exception {
            BoundedSemaphore one = new BoundedSemaphore(1);
            await(one.acquire());
            boolean[] held = {true};
            Body release = () -> {
                if (held[0]) {
                    ticks(1);
                    one.release();
                    held[0] = false;
                }
            };
            together(release, later(3, release));
        }
    },
    CANCELLED_BETWEEN_GRANT_AND_USE(2) {
        @Override
        void run() throws Exception {
            Lock lock = new Lock();
            Task<Void> user = createTask(async(() -> {
                Permit permit = await(lock.acquire());
                ticks(1);
                try {
                    ticks(10);
                } finally {
                    permit.release();
                }
            }));
            ticks(5);
            user.cancel();
            try {
                await(user);
            } catch (CancelledException e) {
                // expected
            }
            check(!lock.locked(), "the permit is lost");
        }
    },
    CANCELLED_BEFORE_ITS_CLEANUP_IS_SET_UP(1) {
        @Override
        void run() throws Exception {
            boolean[] open = {true};
            Task<Void> user = createTask(async(() -> {
                try {
                    ticks(10);
                } finally {
                    open[0] = false;
                }
            }));
            ticks(4);
            user.cancel();
            try {
                await(user);
            } catch (CancelledException e) {
                // expected
            }
            check(!open[0], "never closed");
        }
    },
    MADE_TWICE(2) {
        @Override
        void run() throws Exception {
            int[] made = {0};
            Object[] shared = {null};
            Body use = () -> {
                if (shared[0] == null) {
                    ticks(2);
                    made[0]++;
                    shared[0] = new Object();
                }
            };
            together(use, later(5, use), later(8, use));
            check(made[0] == 1, "made twice");
        }
    },
    COMPLETED_TWICE(2) {
        @Override
        void run() throws Exception {
            Future<String> first = EventLoop.getRunningLoop().createFuture();
            Body racer = () -> {
                if (!first.done()) {
                    ticks(1);
                    first.setResult("won");
                }
            };
            together(racer, later(3, racer));
        }
    },
    HALF_WRITTEN(2) {
        @Override
        void run() throws Exception {
            int[] pair = {0, 0};
            together(
                    () -> {
                        pair[0]++;
                        ticks(1);
                        pair[1]++;
                    },
                    later(4, () -> check(pair[0] == pair[1], "half written")));
        }
    },
    STALE_CACHE(2) {
        @Override
        void run() throws Exception {
            String[] database = {"old"};
            String[] cache = {null};
            together(
                    () -> {
                        String read = database[0];
                        ticks(1);
                        cache[0] = read;
                    },
                    later(4, () -> {
                        database[0] = "new";
                        cache[0] = null;
                    }));
            check(!"old".equals(cache[0]), "stale");
        }
    },
    ABA(3) {
        @Override
        void run() throws Exception {
            int[] balance = {100};
            int[] moves = {0};
            together(
                    () -> {
                        int before = balance[0];
                        int movesBefore = moves[0];
                        ticks(1);
                        check(balance[0] != before || moves[0] == movesBefore, "changed there and back");
                    },
                    later(3, () -> {
                        balance[0] -= 10;
                        moves[0]++;
                        ticks(1);
                        balance[0] += 10;
                        moves[0]++;
                    }));
        }
    },
    CALLBACK_TOO_EARLY(1) {
        @Override
        void run() throws Exception {
            EventLoop loop = EventLoop.getRunningLoop();
            boolean[] ready = {false};
            Future<Boolean> early = loop.createFuture();
            Task<Void> setter = createTask(async(() -> {
                ticks(1);
                ready[0] = true;
            }));
            loop.callSoon(() -> loop.callSoon(() -> loop.callSoon(() -> early.setResult(!ready[0]))));
            boolean used = await(early);
            await(setter);
            check(!used, "used too early");
        }
    },
    TASK_COUNTED_BEFORE_IT_COUNTS_ITSELF(1) {
        @Override
        void run() throws Exception {
            int[] running = {0};
            await(TaskGroup.scopeBody(group -> {
                group.createTask(async(() -> {
                    running[0]++;
                    await(sleep(Duration.ofSeconds(1)));
                }));
                ticks(2);
                check(running[0] == 1, "not counted yet");
                return "";
            }));
        }
    },
    CLOSED_WITH_WORK_LEFT(1) {
        @Override
        void run() throws Exception {
            Queue<Integer> jobs = Queue.unbounded();
            int[] done = {0};
            Task<Void> worker = createTask(async(() -> {
                try {
                    while (true) {
                        await(jobs.get());
                        ticks(1);
                        done[0]++;
                    }
                } catch (QueueShutDownException e) {
                    // no more jobs
                }
            }));
            for (int i = 0; i < 3; i++) {
                await(jobs.put(i));
            }
            ticks(12); // the worker has surely finished
            worker.cancel();
            await(Asyncio.waitTasks(List.of(worker), ReturnWhen.ALL_COMPLETED));
            check(done[0] == 3, "jobs that nobody did");
        }
    };

    /** As defined by probabilistic concurrency testing: use before set is 1, an update lost in between 2. */
    final int depth;

    PlantedBugs(int depth) {
        this.depth = depth;
    }

    /** The program, a body. */
    abstract void run() throws Exception;

    // ---- shared parts

    private static void check(boolean right, String what) {
        if (!right) {
            throw new AssertionError(what);
        }
    }

    private static void ticks(int n) throws Exception {
        for (int i = 0; i < n; i++) {
            await(sleep(Duration.ZERO));
        }
    }

    private static Body later(int n, Body body) {
        return () -> {
            ticks(n);
            body.run();
        };
    }

    private static void together(Body... bodies) throws Exception {
        List<Mono<Void>> monos = new ArrayList<>();
        for (Body body : bodies) {
            monos.add(async(body));
        }
        await(all(monos));
    }

    private static void lostUpdate(int awaits, int later) throws Exception {
        int[] total = {0};
        Body add = () -> {
            int before = total[0];
            ticks(awaits);
            total[0] = before + 1;
        };
        together(add, later(later, add));
        check(total[0] == 2, "lost update");
    }

    private static void takeBoth(Lock one, Lock other) throws Exception {
        try (Permit first = await(one.acquire())) {
            ticks(1);
            try (Permit second = await(other.acquire())) {
                check(first.permits() == second.permits(), "permits");
            }
        }
    }

    private static void lockOrder(int later) throws Exception {
        Lock a = new Lock();
        Lock b = new Lock();
        together(() -> takeBoth(a, b), later(later, () -> takeBoth(b, a)));
    }

    private static void useAfterClose(int later) throws Exception {
        boolean[] open = {true};
        together(
                () -> {
                    for (int i = 0; i < 2; i++) {
                        check(open[0], "used after close");
                        ticks(1);
                    }
                },
                later(later, () -> open[0] = false));
    }

    private static void closeTimers(long earlier, long later) throws Exception {
        boolean[] ready = {false};
        together(
                () -> {
                    await(sleep(Duration.ofNanos(later * 1000)));
                    check(ready[0], "used too early");
                },
                () -> {
                    await(sleep(Duration.ofNanos(earlier * 1000)));
                    ready[0] = true;
                });
    }
}
