package asyncio.bridge;

import asyncio.Asyncio;
import asyncio.Cleanups;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import reactor.core.Disposable;
import reactor.core.publisher.Mono;

/**
 * A stream that is being opened in a thread. If nobody wants it any more when it is open, it is closed there, and a
 * task that awaited it goes on only then.
 */
final class Opening<S extends AutoCloseable> implements Callable<@Nullable S>, Disposable {
    private final Callable<? extends S> open;
    private final @Nullable Cleanups cleanups;
    /** Both guarded by this. */
    private boolean running;

    private boolean cancelled;

    private Opening(Callable<? extends S> open, @Nullable Cleanups cleanups) {
        this.open = open;
        this.cleanups = cleanups;
    }

    static <S extends AutoCloseable> Mono<S> mono(Callable<? extends S> open) {
        return Callbacks.<S>mono(callback -> {
                    Opening<S> opening = new Opening<>(open, Cleanups.of(callback.context()));
                    BlockingCall.start(opening, false, callback);
                    callback.onCancel(opening);
                })
                // it was open, and on its way
                .doOnDiscard(
                        AutoCloseable.class,
                        stream -> Asyncio.toThread(stream::close).subscribe());
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
            if (cleanups != null) {
                cleanups.end();
            }
        }
    }

    @Override
    public synchronized void dispose() {
        cancelled = true;
        if (running && cleanups != null) {
            cleanups.begin();
        }
    }
}
