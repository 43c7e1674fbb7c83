package asyncio.bridge;

import asyncio.Asyncio;
import asyncio.Cleanups;
import java.util.Objects;
import java.util.concurrent.Callable;
import java.util.concurrent.Executor;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import reactor.core.Disposable;
import reactor.core.publisher.Mono;
import reactor.core.scheduler.Schedulers;

/**
 * A stream that is opened in a thread, used, and closed. If it is cancelled while it is being opened, it is closed
 * there once it is open; but if the opening was interrupted and does not return in time, it is left behind. A task that
 * awaits it resumes only when it is closed or left behind: it is registered with the task's {@link Cleanups} from the
 * start.
 */
final class ResourceOpening<S extends AutoCloseable> implements Callable<@Nullable ResourceOpening<S>>, Disposable {
    private enum State {
        NEW,
        RUNNING,
        /** The stream belongs to the subscriber, or is on its way to it. */
        OPEN,
        OVER
    }

    private final Callable<? extends S> open;
    private final boolean interrupt;
    private final @Nullable Executor threads;
    private final Cleanups.@Nullable Work work;
    private @Nullable S stream;
    /** Both guarded by this. */
    private State state = State.NEW;

    private boolean cancelled;

    private ResourceOpening(
            Callable<? extends S> open, boolean interrupt, @Nullable Executor threads, Cleanups.@Nullable Work work) {
        this.open = open;
        this.interrupt = interrupt;
        this.threads = threads;
        this.work = work;
    }

    /** Returns a Mono of the stream once it is open; {@link #cleanup} must follow. */
    @SuppressWarnings({"unchecked", "rawtypes"})
    static <S extends AutoCloseable> Mono<ResourceOpening<S>> mono(
            Callable<? extends S> open, boolean interrupt, @Nullable Executor threads) {
        return new MonoCallback<ResourceOpening<S>>(callback -> {
                    ResourceOpening<S> opening = new ResourceOpening<>(
                            open, interrupt, threads, ((CallbackSubscription<?>) callback).work());
                    BlockingCall.start(opening, interrupt, callback, threads);
                    callback.onDispose(opening);
                })
                .doOnDiscard(ResourceOpening.class, ResourceOpening::closeUnused);
    }

    @Override
    public @Nullable ResourceOpening<S> call() throws Exception {
        synchronized (this) {
            if (cancelled) {
                return null;
            }
            state = State.RUNNING;
        }
        boolean unwanted = true;
        try {
            stream = open.call();
            synchronized (this) {
                unwanted = cancelled;
                if (!unwanted) {
                    state = State.OPEN;
                }
            }
            if (unwanted) {
                stream.close();
            }
        } finally {
            if (unwanted) {
                end();
            }
        }
        return unwanted ? null : this;
    }

    /** Returns the stream, once it is open. */
    S stream() {
        return Objects.requireNonNull(stream, "not open");
    }

    /** Returns a Mono that closes the stream, for which the task waits. */
    Mono<Void> cleanup(Mono<?> close) {
        return Cleanups.cleanup(work, close);
    }

    /** Closes a stream that was open and on its way to the subscriber. */
    private void closeUnused() {
        cleanup(Asyncio.toThread(
                        () -> {
                            stream().close();
                            return null;
                        },
                        threads))
                .subscribe();
    }

    /** Ends it when it is closed, has failed or its time is up; false if it has ended already. */
    private boolean end() {
        synchronized (this) {
            if (state == State.OVER) {
                return false;
            }
            state = State.OVER;
        }
        if (work != null) {
            work.over();
        }
        return true;
    }

    /** Called when the subscriber has left, or there is an outcome. */
    @Override
    public void dispose() {
        State before;
        synchronized (this) {
            cancelled = true;
            before = state;
        }
        if (before == State.NEW) {
            end(); // it will not start, or there was no thread for it
        } else if (before == State.RUNNING && work != null) {
            work.cancelled();
            if (interrupt) {
                Schedulers.parallel()
                        .schedule(
                                () -> {
                                    if (end()) {
                                        BlockingEnd.warnOfOpening(open);
                                    }
                                },
                                BlockingEnd.PATIENCE.toNanos(),
                                TimeUnit.NANOSECONDS);
            }
        }
    }
}
