package asyncio.subprocess;

import asyncio.Cleanups;
import asyncio.ColdMono;
import asyncio.EventLoop;
import asyncio.Future;
import asyncio.Leftover;
import asyncio.Leftovers;
import asyncio.Suspension;
import java.io.IOException;
import java.util.function.BiFunction;
import org.jspecify.annotations.Nullable;
import org.reactivestreams.Subscription;
import reactor.core.CoreSubscriber;
import reactor.core.Scannable;
import reactor.core.publisher.Mono;
import reactor.util.Logger;
import reactor.util.Loggers;
import reactor.util.context.Context;
import reactor.util.context.ContextView;

/**
 * The Mono of {@code Subprocess.start}.
 *
 * @param <T> the form in which the child is emitted: as itself, or as a transport with its protocol
 */
final class MonoStart<T> extends ColdMono<T> {
    private static final Logger LOG = Loggers.getLogger("asyncio");

    private final Command command;
    private final boolean scoped;
    private final BiFunction<? super Subprocess, ? super ContextView, ? extends T> form;
    private final @Nullable Throwable site = Leftovers.site();

    /** Names the function in diagnostics. */
    private static final class Start {}

    /**
     * Creates the Mono.
     *
     * @param scoped whether {@link Subprocess#cleanup} follows; the start then counts as in progress until that has
     *     ended
     * @param form converts the child; called on the loop, with the subscriber's context
     */
    MonoStart(Command command, boolean scoped, BiFunction<? super Subprocess, ? super ContextView, ? extends T> form) {
        super(Start.class);
        this.command = command;
        this.scoped = scoped;
        this.form = form;
    }

    @Override
    protected void start(CoreSubscriber<? super T> actual) {
        actual.onSubscribe(Suspension.isAwait(actual) ? new Launching<>(this, actual) : new Handover<>(this, actual));
    }

    @Override
    public String toString() {
        return "start of " + command;
    }

    /**
     * One start. A thread creates the process, unless the subscriber has already cancelled; the loop creates the
     * streams and passes the result to the subscriber. If the subscriber has cancelled by then, the child is killed,
     * and the subscriber's task does not end before the child has.
     *
     * <p>From the request until the subscriber has the child, or the child is dead, the start is registered with the
     * {@link Cleanups} of the subscriber: if it is cancelled meanwhile, in any state and on any thread, it is waited
     * for.
     */
    private static final class Launching<T> extends Suspension<T> {
        private final Command command;
        private final boolean scoped;
        private final BiFunction<? super Subprocess, ? super ContextView, ? extends T> form;
        private final @Nullable Throwable site;
        private final EventLoop loop = EventLoop.runningOrShared();
        /** Null before the request, and if nothing would wait for it. */
        private volatile Cleanups.@Nullable Work work;
        /** The child, regardless of the form in which it is emitted. */
        private volatile @Nullable Subprocess process;

        Launching(MonoStart<T> what, CoreSubscriber<? super T> actual) {
            super(actual, null);
            this.command = what.command;
            this.scoped = what.scoped;
            this.form = what.form;
            this.site = what.site;
        }

        @Override
        protected boolean begin() {
            work = Cleanups.work(actual());
            Future<LaunchedChild> started;
            try {
                Launcher launcher = actual().currentContext().getOrDefault(Launcher.CURRENT, null);
                started = launcher == null
                        ? loop.runInExecutor(command.opensFiles() ? Workers.POOL : Workers.STARTERS, this::launch)
                        : loop.createTask(Mono.fromCallable(() -> isWaiting() ? launcher.launch(command, loop) : null));
            } catch (RuntimeException | Error e) { // the loop is closed
                over();
                throw e;
            }
            started.addDoneCallback(this::launched);
            return false;
        }

        /** Creates the process. Called on a worker thread. */
        private @Nullable LaunchedChild launch() throws IOException {
            if (!isWaiting()) {
                return null;
            }
            ChildPipes wiring = ChildPipes.of(loop);
            return ChildProcess.start(command, wiring, loop, site);
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
            if (started == null) { // the subscriber had already cancelled
                over();
                return;
            }
            Subprocess process;
            T given;
            try {
                process = new Subprocess(started, command, loop, scoped ? work : null);
                this.process = process;
                Leftovers.watch(
                        Leftover.Kind.PROCESS,
                        process,
                        () -> process.returnCode().isEmpty(),
                        site);
                given = form.apply(process, actual().currentContext());
            } catch (RuntimeException | Error e) { // the loop is closed, or the factory of protocols failed
                started.end(false, () -> {}).subscribe(null, error -> LOG.error("Cannot kill " + started, error));
                if (fail(e)) {
                    deliver();
                }
                over();
                return;
            }
            if (!grant(given)) {
                kill(process, this::over);
                return;
            }
            deliver();
            if (Suspension.isAwait(actual())) {
                over(); // the task has it, and would give it back if cancelled
            } // else the handover has not ended yet
        }

        @Override
        protected void leave() {
            cancelled();
        }

        /** The subscriber has cancelled, but may have left a child: its task waits for the end of the start. */
        private void cancelled() {
            Cleanups.Work work = this.work;
            if (work != null) {
                work.cancelled();
            }
        }

        private void over() {
            Cleanups.Work work = this.work;
            if (work != null) {
                work.over();
            }
        }

        /** The subscriber has received the child. */
        private void handedOver() {
            if (!scoped) {
                over();
            }
        }

        @Override
        protected void undelivered(@Nullable T given, @Nullable Throwable error) {
            Subprocess process = this.process;
            if (given != null && process != null) {
                kill(process, this::over);
            } else {
                super.undelivered(null, error);
                over();
            }
        }

        /** The child was granted, but the subscriber was cancelled before it received it. */
        @Override
        public void giveBack(@Nullable T given) {
            Subprocess process = this.process;
            if (given != null && process != null) {
                Cleanups.Work end = Cleanups.work(actual());
                if (end == null) {
                    kill(process, () -> {});
                } else {
                    end.cancelled();
                    kill(process, end::over);
                }
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
     * Sits between a start and a subscriber other than a task's await. It passes a cancellation to the start even if
     * that already has its child and the subscriber does not have it or is just receiving it: an operator that receives
     * a child and is cancelled at the same time ends it by itself, but only later.
     */
    private static final class Handover<T> implements CoreSubscriber<T>, Subscription, Scannable {
        private final CoreSubscriber<? super T> actual;
        private final Launching<T> launching;

        Handover(MonoStart<T> what, CoreSubscriber<? super T> actual) {
            this.actual = actual;
            this.launching = new Launching<>(what, this);
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
        public void onNext(T given) {
            try {
                actual.onNext(given);
            } finally {
                launching.handedOver();
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
