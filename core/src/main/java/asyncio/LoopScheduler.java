package asyncio;

import java.time.Duration;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;
import reactor.core.Disposable;
import reactor.core.Disposables;
import reactor.core.Exceptions;
import reactor.core.scheduler.Scheduler;
import reactor.core.scheduler.Schedulers;

/**
 * A loop as a Reactor scheduler. Its jobs are callbacks of the loop; its clock is the loop's, so that virtual time
 * reaches operators too.
 */
final class LoopScheduler implements Scheduler {
    private final EventLoop loop;
    private final long origin;

    LoopScheduler(EventLoop loop, boolean virtualTime) {
        this.loop = loop;
        this.origin = virtualTime ? 0 : TimeUnit.MILLISECONDS.toNanos(System.currentTimeMillis()) - loop.core.now();
    }

    /** Returns the time of the loop's clock; counted from the epoch, unless it is virtual. */
    @Override
    public long now(TimeUnit unit) {
        return unit.convert(origin + loop.core.now(), TimeUnit.NANOSECONDS);
    }

    @Override
    public Disposable schedule(Runnable task) {
        Runnable hooked = Schedulers.onSchedule(task);
        return submit(() -> loop.callSoonThreadsafe(hooked, Contexts.current()));
    }

    @Override
    public Disposable schedule(Runnable task, long delay, TimeUnit unit) {
        if (delay <= 0) {
            return schedule(task);
        }
        Runnable hooked = Schedulers.onSchedule(task);
        return submit(() -> loop.schedule(loop.deadline(nanos(delay, unit)), hooked, Contexts.current()));
    }

    @Override
    public Disposable schedulePeriodically(Runnable task, long initialDelay, long period, TimeUnit unit) {
        Periodic periodic = new Periodic(
                Schedulers.onSchedule(task),
                loop.time().plus(nanos(Math.max(0, initialDelay), unit)),
                nanos(Math.max(0, period), unit));
        periodic.scheduleNext();
        return periodic;
    }

    private static Duration nanos(long amount, TimeUnit unit) {
        return Duration.ofNanos(unit.toNanos(amount));
    }

    /** Follows Reactor's contract: a job that can no longer be scheduled is rejected. */
    private static Disposable submit(Supplier<Handle> scheduling) {
        try {
            Handle handle = scheduling.get();
            return new Disposable() {
                @Override
                public void dispose() {
                    handle.cancel();
                }

                @Override
                public boolean isDisposed() {
                    return handle.isOver();
                }
            };
        } catch (IllegalStateException e) {
            throw Exceptions.failWithRejected(new RejectedExecutionException(e));
        }
    }

    /** A job at a fixed rate: each run is due one period after the previous one was due. */
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
            current.replace(submit(() -> loop.schedule(EventLoop.saturatedNanos(due), this, Contexts.current())));
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

    /** Jobs that are disposed of together; the loop's queue already keeps the order. */
    private final class LoopWorker implements Worker {
        private final Disposable.Composite jobs = Disposables.composite();

        @Override
        public Disposable schedule(Runnable task) {
            return schedule(task, 0, TimeUnit.NANOSECONDS);
        }

        @Override
        public Disposable schedule(Runnable task, long delay, TimeUnit unit) {
            Job job = new Job(task);
            // added to the worker before it can run: a worker that is disposed of meanwhile takes it along
            add(job);
            job.handle.replace(LoopScheduler.this.schedule(job, delay, unit));
            return job;
        }

        @Override
        public Disposable schedulePeriodically(Runnable task, long initialDelay, long period, TimeUnit unit) {
            Disposable.Swap periodic = Disposables.swap();
            add(periodic);
            periodic.replace(LoopScheduler.this.schedulePeriodically(task, initialDelay, period, unit));
            return new Disposable() {
                @Override
                public void dispose() {
                    periodic.dispose();
                    jobs.remove(periodic);
                }

                @Override
                public boolean isDisposed() {
                    return periodic.isDisposed();
                }
            };
        }

        private void add(Disposable job) {
            if (!jobs.add(job)) {
                throw Exceptions.failWithRejected();
            }
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
            /** Disposed of with the job; after that it also disposes of a handle that it gets later. */
            private final Disposable.Swap handle = Disposables.swap();

            Job(Runnable task) {
                this.task = task;
            }

            @Override
            public void run() {
                if (handle.isDisposed()) {
                    return;
                }
                try {
                    task.run();
                } finally {
                    dispose();
                }
            }

            @Override
            public void dispose() {
                handle.dispose();
                jobs.remove(this);
            }

            @Override
            public boolean isDisposed() {
                return handle.isDisposed();
            }
        }
    }

    /** Does nothing: the loop is closed by its owner. */
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
