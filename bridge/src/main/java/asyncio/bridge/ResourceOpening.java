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
 * there when it is open; but if the opening was to be interrupted and goes on all the same, it is left behind. A task
 * that awaits it resumes only when it is closed, or left behind: it is known to the task's {@link Cleanups} from the
 * start.
 */
final class ResourceOpening<S extends AutoCloseable> implements Callable<@Nullable ResourceOpening<S>>, Disposable {
    private enum State {
        NEW,
        RUNNING,
        /** The stream is the subscriber's, or on its way there. */
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

    /** Gives it when it is open; {@link #cleanup} is to follow. */
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

    /** The resource, once it is open. */
    S stream() {
        return Objects.requireNonNull(stream, "not open");
    }

    /** Its end, which the task waits for. */
    Mono<Void> cleanup(Mono<?> close) {
        return Cleanups.cleanup(work, close);
    }

    /** It was open, and on its way. */
    private void closeUnused() {
        cleanup(Asyncio.toThread(
                        () -> {
                            stream().close();
                            return null;
                        },
                        threads))
                .subscribe();
    }

    /** Either when it is closed, or failed, or when the time is out; whether this is the first of them. */
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

    /** The subscriber has left, or there is an outcome. */
    @Override
    public void dispose() {
        State before;
        synchronized (this) {
            cancelled = true;
            before = state;
        }
        if (before == State.NEW) {
            end(); // it will not begin, or there was no thread for it
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
