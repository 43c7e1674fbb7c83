package asyncio.bridge;

import asyncio.Asyncio;
import asyncio.Cleanups;
import java.util.concurrent.Callable;
import java.util.concurrent.Executor;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import reactor.core.Disposable;
import reactor.core.publisher.Mono;
import reactor.core.scheduler.Schedulers;

/**
 * A stream that is being opened in a thread. If it is cancelled meanwhile, it is closed there when it is open, and a
 * task that awaited it resumes only then; but if the opening was to be interrupted and goes on all the same, it is left
 * behind.
 */
final class Opening<S extends AutoCloseable> implements Callable<@Nullable S>, Disposable {
    private final Callable<? extends S> open;
    private final boolean interrupt;
    private final @Nullable Cleanups cleanups;
    /** All guarded by this. */
    private boolean running;

    private boolean cancelled;
    /** Whether a task waits for the end. */
    private boolean awaited;

    private Opening(Callable<? extends S> open, boolean interrupt, @Nullable Cleanups cleanups) {
        this.open = open;
        this.interrupt = interrupt;
        this.cleanups = cleanups;
    }

    static <S extends AutoCloseable> Mono<S> mono(
            Callable<? extends S> open, boolean interrupt, @Nullable Executor threads) {
        return Callbacks.<S>mono(callback -> {
                    Opening<S> opening = new Opening<>(open, interrupt, Cleanups.of(callback.context()));
                    BlockingCall.start(opening, interrupt, callback, threads);
                    callback.onCancel(opening);
                })
                // it was open, and on its way
                .doOnDiscard(
                        AutoCloseable.class,
                        stream -> Asyncio.toThread(
                                        () -> {
                                            stream.close();
                                            return null;
                                        },
                                        threads)
                                .subscribe());
    }

    @Override
    public @Nullable S call() throws Exception {
        synchronized (this) {
            if (cancelled) {
                return null;
            }
            running = true;
        }
        S stream = null;
        boolean unwanted;
        try {
            stream = open.call();
        } finally {
            synchronized (this) {
                running = false;
                unwanted = cancelled;
            }
            if (unwanted) {
                close(stream);
            }
        }
        return unwanted ? null : stream;
    }

    private void close(@Nullable S stream) throws Exception {
        try {
            if (stream != null) {
                stream.close();
            }
        } finally {
            stopWaiting();
        }
    }

    /** Either when it is closed, or when the time is out. */
    private boolean stopWaiting() {
        synchronized (this) {
            if (cleanups == null || !awaited) {
                return false;
            }
            awaited = false;
        }
        cleanups.end();
        return true;
    }

    @Override
    public synchronized void dispose() {
        cancelled = true;
        if (!running || cleanups == null) {
            return;
        }
        cleanups.begin();
        awaited = true;
        if (interrupt) {
            Schedulers.parallel()
                    .schedule(
                            () -> {
                                if (stopWaiting()) {
                                    Ending.warnOfOpening(open);
                                }
                            },
                            Ending.PATIENCE.toNanos(),
                            TimeUnit.NANOSECONDS);
        }
    }
}
