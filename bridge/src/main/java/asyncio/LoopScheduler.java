package asyncio;

import java.time.Duration;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import reactor.core.Disposable;
import reactor.core.Disposables;
import reactor.core.Exceptions;
import reactor.core.scheduler.Scheduler;

/** A loop as Reactor's scheduler. Its work is the loop's callbacks; its time is the loop's, so that virtual time reaches operators too. */
final class LoopScheduler implements Scheduler {
    private final EventLoop loop;

    LoopScheduler(EventLoop loop) {
        this.loop = loop;
    }

    @Override
    public long now(TimeUnit unit) {
        return unit.convert(loop.core.now(), TimeUnit.NANOSECONDS);
    }

    @Override
    public Disposable schedule(Runnable task) {
        return submit(() -> loop.callSoon(task));
    }

    @Override
    public Disposable schedule(Runnable task, long delay, TimeUnit unit) {
        return delay <= 0 ? schedule(task) : submit(() -> loop.callLater(nanos(delay, unit), task));
    }

    @Override
    public Disposable schedulePeriodically(Runnable task, long initialDelay, long period, TimeUnit unit) {
        if (period <= 0) {
            throw new IllegalArgumentException("The period must be positive, not " + period + " " + unit);
        }
        Periodic periodic = new Periodic(task, loop.time().plus(nanos(Math.max(0, initialDelay), unit)), nanos(period, unit));
        periodic.scheduleNext();
        return periodic;
    }

    private static Duration nanos(long amount, TimeUnit unit) {
        return Duration.ofNanos(unit.toNanos(amount));
    }

    /** Reactor's contract: what cannot be scheduled any more is rejected. */
    private static Disposable submit(java.util.function.Supplier<Handle> scheduling) {
        try {
            return scheduling.get()::cancel;
        } catch (IllegalStateException e) {
            throw Exceptions.failWithRejected(new RejectedExecutionException(e));
        }
    }

    /** Fixed rate: each run is due a period after the time the one before it was due. */
    private final class Periodic implements Disposable, Runnable {
        private final Runnable task;
        private final Duration period;
        private final Disposable.Swap current = Disposables.swap();
        private Duration due;

        Periodic(Runnable task, Duration firstDue, Duration period) {
            this.task = task;
            this.due = firstDue;
            this.period = period;
        }

        void scheduleNext() {
            current.replace(submit(() -> loop.callAt(due, this)));
        }

        @Override
        public void run() {
            if (isDisposed()) {
                return;
            }
            due = due.plus(period);
            try {
                task.run();
            } finally {
                scheduleNext();
            }
        }

        @Override
        public void dispose() {
            current.dispose();
        }

        @Override
        public boolean isDisposed() {
            return current.isDisposed();
        }
    }

    @Override
    public Worker createWorker() {
        return new LoopWorker();
    }

    /** Work that is disposed together; the loop's queue already keeps the order. */
    private final class LoopWorker implements Worker {
        private final Disposable.Composite jobs = Disposables.composite();

        @Override
        public Disposable schedule(Runnable task) {
            return schedule(task, 0, TimeUnit.NANOSECONDS);
        }

        @Override
        public Disposable schedule(Runnable task, long delay, TimeUnit unit) {
            Job job = new Job(task);
            return start(job, LoopScheduler.this.schedule(job, delay, unit));
        }

        @Override
        public Disposable schedulePeriodically(Runnable task, long initialDelay, long period, TimeUnit unit) {
            return add(LoopScheduler.this.schedulePeriodically(task, initialDelay, period, unit));
        }

        private Disposable start(Job job, Disposable handle) {
            job.handle.set(handle);
            add(job);
            if (job.done) {
                jobs.remove(job); // it ran before it was added
            }
            return job;
        }

        private Disposable add(Disposable job) {
            if (!jobs.add(job)) {
                throw Exceptions.failWithRejected();
            }
            return job;
        }

        @Override
        public void dispose() {
            jobs.dispose();
        }

        @Override
        public boolean isDisposed() {
            return jobs.isDisposed();
        }

        private final class Job implements Runnable, Disposable {
            private final Runnable task;
            private final AtomicReference<Disposable> handle = new AtomicReference<>();
            private volatile boolean done;

            Job(Runnable task) {
                this.task = task;
            }

            @Override
            public void run() {
                if (done) {
                    return;
                }
                try {
                    task.run();
                } finally {
                    done = true;
                    jobs.remove(this);
                }
            }

            @Override
            public void dispose() {
                done = true;
                handle.get().dispose();
                jobs.remove(this);
            }

            @Override
            public boolean isDisposed() {
                return done;
            }
        }
    }

    /** The loop is closed by its owner. */
    @Override
    public void dispose() {}

    @Override
    public boolean isDisposed() {
        return loop.isClosed();
    }

    @Override
    public String toString() {
        return loop + ".scheduler()";
    }
}
