package asyncio.subprocess;

import asyncio.Cleanups;
import asyncio.ColdMono;
import asyncio.EventLoop;
import asyncio.Future;
import asyncio.Leftover;
import asyncio.Leftovers;
import asyncio.Suspension;
import java.io.IOException;
import org.jspecify.annotations.Nullable;
import org.reactivestreams.Subscription;
import reactor.core.CoreSubscriber;
import reactor.core.Scannable;
import reactor.core.publisher.Mono;
import reactor.util.Logger;
import reactor.util.Loggers;
import reactor.util.context.Context;

/** The Mono of {@code Subprocess.start}. */
final class Starting extends ColdMono<Subprocess> {
    private static final Logger LOG = Loggers.getLogger("asyncio");

    private final Command command;
    private final @Nullable Throwable site = Leftovers.site();

    /** The name of the function. */
    private static final class Start {}

    Starting(Command command) {
        super(Start.class);
        this.command = command;
    }

    @Override
    protected void start(CoreSubscriber<? super Subprocess> actual) {
        actual.onSubscribe(
                Suspension.isAwait(actual)
                        ? new Launching(command, site, actual)
                        : new Handover(command, site, actual));
    }

    @Override
    public String toString() {
        return "start of " + command;
    }

    /**
     * One start. A thread makes the process, unless the subscriber has gone; the loop makes the streams, and gives the
     * result to the subscriber, or kills the child if there is none any more, who then is not over before the child is.
     *
     * <p>From the request until the subscriber has the child, or the child is dead, the start is under way; cancelled
     * meanwhile, in whichever state and on whichever thread, it is among the {@link Cleanups} of the subscriber.
     */
    private static final class Launching extends Suspension<Subprocess> {
        private final Command command;
        private final @Nullable Throwable site;
        private final EventLoop loop = EventLoop.runningOrShared();
        /** Both guarded by this; awaited by the subscriber's task. */
        private boolean underWay;

        private boolean awaited;

        Launching(Command command, @Nullable Throwable site, CoreSubscriber<? super Subprocess> actual) {
            super(actual, null);
            this.command = command;
            this.site = site;
        }

        @Override
        protected boolean begin() {
            synchronized (this) {
                underWay = true;
            }
            Future<LaunchedChild> started;
            try {
                Launcher launcher = actual().currentContext().getOrDefault(Launcher.CURRENT, null);
                started = launcher == null
                        ? loop.runInExecutor(command.opensFiles() ? Workers.POOL : Workers.STARTERS, this::launch)
                        : loop.createTask(Mono.fromCallable(() -> isWaiting() ? launcher.launch(command, loop) : null));
            } catch (RuntimeException e) { // the loop is closed
                over();
                throw e;
            }
            started.addDoneCallback(this::launched);
            return false;
        }

        /** In a thread. */
        private @Nullable LaunchedChild launch() throws IOException {
            if (!isWaiting()) {
                return null;
            }
            Wiring wiring = Wiring.of(loop);
            return Child.start(command, wiring, loop, site);
        }

        private void launched(Future<LaunchedChild> done) {
            LaunchedChild started;
            try {
                started = done.result();
            } catch (Throwable e) {
                if (fail(e)) {
                    deliver();
                }
                over();
                return;
            }
            if (started == null) { // the subscriber had gone before
                over();
                return;
            }
            Subprocess process;
            try {
                process = new Subprocess(started, command, loop);
            } catch (RuntimeException e) { // the loop is closed
                started.end(false, () -> {}).subscribe(null, error -> LOG.error("Cannot kill " + started, error));
                if (fail(e)) {
                    deliver();
                }
                over();
                return;
            }
            Leftovers.watch(
                    Leftover.Kind.PROCESS, process, () -> process.returnCode().isEmpty(), site);
            if (!grant(process)) {
                kill(process, this::over);
                return;
            }
            deliver();
            if (Suspension.isAwait(actual())) {
                over(); // the task has it, and would give it back
            } // else the handover is not over yet
        }

        @Override
        protected void leave() {
            cancelled();
        }

        /** The subscriber is gone, but perhaps not without a child: its task waits for the end of the start. */
        private void cancelled() {
            Cleanups cleanups = Cleanups.of(actual().currentContext());
            synchronized (this) {
                if (underWay && !awaited && cleanups != null) {
                    awaited = true;
                    cleanups.begin();
                }
            }
        }

        private void over() {
            boolean wasAwaited;
            synchronized (this) {
                underWay = false;
                wasAwaited = awaited;
                awaited = false; // a start that failed may be found undelivered, too
            }
            Cleanups cleanups = Cleanups.of(actual().currentContext());
            if (wasAwaited && cleanups != null) {
                cleanups.end();
            }
        }

        @Override
        protected void undelivered(@Nullable Subprocess process, @Nullable Throwable error) {
            super.undelivered(process, error);
            over();
        }

        /** It was there, but the subscriber was not. */
        @Override
        public void giveBack(@Nullable Subprocess process) {
            if (process != null) {
                Cleanups cleanups = Cleanups.of(actual().currentContext());
                if (cleanups != null) {
                    cleanups.begin();
                }
                kill(process, () -> {
                    if (cleanups != null) {
                        cleanups.end();
                    }
                });
            }
        }

        private static void kill(Subprocess process, Runnable whenOver) {
            process.end(false).addDoneCallback(ended -> {
                Throwable error = ended.exception();
                if (error != null) {
                    LOG.error("Cannot kill a child whose start was cancelled", error);
                }
                whenOver.run();
            });
        }

        @Override
        protected String target() {
            return "start of " + command;
        }
    }

    /**
     * Between a start and a subscriber that is no task's await. A cancellation is told to the start also if that has
     * its child already and the subscriber has not, or is just being given it: an operator that is told to use a child
     * and cancelled at the same time ends it by itself, but only later.
     */
    private static final class Handover implements CoreSubscriber<Subprocess>, Subscription, Scannable {
        private final CoreSubscriber<? super Subprocess> actual;
        private final Launching launching;

        Handover(Command command, @Nullable Throwable site, CoreSubscriber<? super Subprocess> actual) {
            this.actual = actual;
            this.launching = new Launching(command, site, this);
        }

        @Override
        public void request(long n) {
            launching.request(n);
        }

        @Override
        public void cancel() {
            launching.cancelled();
            launching.cancel();
        }

        @Override
        public void onSubscribe(Subscription s) {
            throw new UnsupportedOperationException("made with its subscription");
        }

        @Override
        public void onNext(Subprocess process) {
            try {
                actual.onNext(process);
            } finally {
                launching.over();
            }
        }

        @Override
        public void onError(Throwable error) {
            actual.onError(error);
        }

        @Override
        public void onComplete() {
            actual.onComplete();
        }

        @Override
        public Context currentContext() {
            return actual.currentContext();
        }

        @Override
        @SuppressWarnings("rawtypes")
        public @Nullable Object scanUnsafe(Attr key) {
            if (key == Attr.PARENT) {
                return launching;
            }
            if (key == Attr.ACTUAL) {
                return actual;
            }
            return key == Attr.RUN_STYLE ? Attr.RunStyle.ASYNC : null;
        }
    }
}
