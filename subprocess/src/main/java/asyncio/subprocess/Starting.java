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
import reactor.core.CoreSubscriber;
import reactor.core.publisher.Mono;
import reactor.util.Logger;
import reactor.util.Loggers;

/** What {@code Subprocess.start} returns. */
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
        actual.onSubscribe(new Launching(command, site, actual));
    }

    @Override
    public String toString() {
        return "start of " + command;
    }

    /**
     * One start. A thread makes the process, unless the subscriber has gone; the loop makes the streams, and gives the
     * result to the subscriber, or kills the child if there is none any more, who then is not over before the child is.
     */
    private static final class Launching extends Suspension<Subprocess> {
        private final Command command;
        private final @Nullable Throwable site;
        private final EventLoop loop = EventLoop.runningOrShared();
        /** Both guarded by this: between {@link #begin} and the loop's turn; and told to the subscriber's task. */
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
            if (grant(process)) {
                over();
                deliver();
            } else {
                kill(process, this::over);
            }
        }

        /** Gone, but perhaps not without a child. */
        @Override
        protected void leave() {
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
            }
            Cleanups cleanups = Cleanups.of(actual().currentContext());
            if (wasAwaited && cleanups != null) {
                cleanups.end();
            }
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
}
