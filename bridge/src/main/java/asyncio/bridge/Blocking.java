package asyncio.bridge;

import asyncio.Asyncio;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.util.Arrays;
import java.util.Objects;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executor;
import java.util.concurrent.Future;
import org.jspecify.annotations.Nullable;
import org.reactivestreams.Publisher;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/**
 * Blocking calls as Monos and Fluxes, on the threads of {@link Asyncio#toThread}: platform threads, those of the
 * running loop or of one of the shared ones. The calls see the subscriber's context as
 * {@link Asyncio#currentContext()}, and its ThreadLocals if {@code io.micrometer:context-propagation} is there. The way
 * back, from plain threads to Monos, is {@link BlockingPortal}.
 *
 * <pre>{@code
 * Mono<Row> row = Blocking.mono(() -> jdbc.queryForObject(sql), PROPAGATE);
 * Flux<String> lines = Blocking.pull(() -> Files.newBufferedReader(path), BufferedReader::readLine, DETACH);
 * Flux<byte[]> bytes = Blocking.read(() -> Files.newInputStream(path), 65_536, DETACH);
 * Mono<Void> written = Blocking.write(bytes, () -> Files.newOutputStream(copy));
 * }</pre>
 */
public final class Blocking {
    private Blocking() {}

    /**
     * A blocking call, which may return null for an empty Mono. Nothing happens until subscription; each calls anew.
     *
     * <p>Cancelling keeps a call from starting. One that runs is interrupted with {@link Cancellation#PROPAGATE}; with
     * {@link Cancellation#DETACH} it goes on. In both cases a task that awaits this resumes at once, and what comes of
     * the call is discarded or dropped, but for an error that the interrupt has caused.
     */
    public static <T> Mono<T> mono(Callable<? extends @Nullable T> call, Cancellation cancellation) {
        Objects.requireNonNull(call, "call");
        boolean interrupt = Objects.requireNonNull(cancellation, "cancellation") == Cancellation.PROPAGATE;
        return Callbacks.mono(callback -> BlockingCall.start(call, interrupt, callback, null));
    }

    /**
     * Waits in a thread for a future that can only be waited for; an {@code ExecutionException} is unwrapped. Nothing
     * happens until subscription. One that is a stage too is cheaper as {@link Futures#toMono}.
     *
     * <p>Cancelling frees the thread. With {@link Cancellation#PROPAGATE} it also cancels the future, and interrupts
     * what computes it.
     */
    public static <T> Mono<T> future(Future<? extends @Nullable T> future, Cancellation cancellation) {
        Objects.requireNonNull(future, "future");
        boolean propagate = Objects.requireNonNull(cancellation, "cancellation") == Cancellation.PROPAGATE;
        return Callbacks.mono(callback -> {
            if (future.isDone()) {
                report(future, callback);
                return;
            }
            BlockingCall.start(future::get, true, callback, null);
            if (propagate) {
                callback.onCancel(() -> Asyncio.toThread(() -> future.cancel(true)) // which may wait for the same lock
                        .contextWrite(callback.context())
                        .subscribe());
            }
        });
    }

    private static <T> void report(Future<? extends @Nullable T> done, Callback<T> callback) throws Exception {
        try {
            callback.success(done.get());
        } catch (ExecutionException e) {
            callback.failure(Outcomes.unwrap(e));
        }
    }

    /**
     * Reads a stream to its end, a chunk for each that is requested: {@link #pull} with all that it says about threads,
     * closing and cancelling.
     *
     * @param size of the chunks, in bytes, at most
     */
    public static Flux<byte[]> read(Callable<? extends InputStream> open, int size, Cancellation cancellation) {
        if (size <= 0) {
            throw new IllegalArgumentException("Chunks of " + size + " bytes: they need room for one at least");
        }
        return pull(
                open,
                stream -> {
                    byte[] chunk = new byte[size];
                    int read = stream.read(chunk);
                    return read < 0 ? null : read == size ? chunk : Arrays.copyOf(chunk, read);
                },
                cancellation);
    }

    /**
     * Reads something that blocks to its end, an item for each that is requested, each in a thread. Nothing happens
     * until subscription; then it is opened in a thread, and closed in the end, in a thread too.
     *
     * <p>Cancelling while an item is being read: {@link Cancellation#PROPAGATE} interrupts the read and closes at once,
     * which ends the reads of sockets and channels; {@link Cancellation#DETACH} closes when the read has returned. What
     * is being opened is closed when it is open; {@code PROPAGATE} interrupts that too. A task that awaits the Flux
     * resumes when it is closed; with {@code PROPAGATE} after one second at the latest, with a warning: a close may
     * itself wait for the read, as that of a {@code BufferedReader} around a socket does, and is left behind then. For
     * that reason each such Flux has a thread of its own, for whose end no program waits.
     *
     * <pre>{@code
     * Flux<String> lines = Blocking.pull(() -> Files.newBufferedReader(path), BufferedReader::readLine, DETACH);
     * }</pre>
     *
     * @param next gives an item, or null at the end
     */
    public static <R extends AutoCloseable, T> Flux<T> pull(
            Callable<? extends R> open, Next<? super R, ? extends T> next, Cancellation cancellation) {
        Objects.requireNonNull(open, "open");
        Objects.requireNonNull(next, "next");
        boolean atOnce = Objects.requireNonNull(cancellation, "cancellation") == Cancellation.PROPAGATE;
        return Flux.defer(() -> {
            Executor threads = atOnce ? BlockingEnd.oneThread() : null;
            return Flux.usingWhen(
                    ResourceOpening.mono(() -> new Source<R, T>(open.call(), next, atOnce, threads), atOnce, threads),
                    opening -> {
                        Source<R, T> source = opening.stream();
                        return Callbacks.<T>mono(
                                        callback -> BlockingCall.start(source::next, atOnce, callback, threads))
                                .repeat(source::hasMore);
                    },
                    opening -> opening.cleanup(opening.stream().closeWhenIdle()),
                    (opening, error) -> opening.cleanup(opening.stream().closeWhenIdle()),
                    opening -> opening.cleanup(opening.stream().closeWhenCancelled()));
        });
    }

    /**
     * The call of {@link #pull} for each item.
     *
     * @param <R> the type of what is read
     * @param <T> the type of the items
     */
    @FunctionalInterface
    public interface Next<R, T> {
        /** Blocks for the next item; null at the end. */
        @Nullable T next(R source) throws Exception;
    }

    /**
     * Writes all of a source into a stream, each chunk in a thread, and completes when it is closed. Nothing happens
     * until subscription; then the stream is opened in a thread. It is closed too, in a thread, if the source fails,
     * which is this Mono's error then, or on cancellation; a chunk that is being written is written first.
     */
    public static Mono<Void> write(Publisher<byte[]> source, Callable<? extends OutputStream> open) {
        Objects.requireNonNull(source, "source");
        Objects.requireNonNull(open, "open");
        return Flux.usingWhen(
                        ResourceOpening.mono(() -> new ChunkWriter(open.call()), false, null),
                        opening -> Flux.from(source)
                                .concatMap(
                                        chunk -> mono(
                                                () -> {
                                                    opening.stream().write(chunk);
                                                    return null;
                                                },
                                                Cancellation.DETACH),
                                        1),
                        opening -> opening.cleanup(Asyncio.toThread(opening.stream()::close)))
                .then();
    }

    /** A source that is read by one thread after the other. */
    private static final class Source<R extends AutoCloseable, T> implements AutoCloseable {
        private final R resource;
        private final Next<? super R, ? extends T> next;
        private final boolean closesAtOnce;
        private final @Nullable Executor threads;
        private volatile boolean more = true;

        Source(R resource, Next<? super R, ? extends T> next, boolean closesAtOnce, @Nullable Executor threads) {
            this.resource = Objects.requireNonNull(resource, "The opening function returned null");
            this.next = next;
            this.closesAtOnce = closesAtOnce;
            this.threads = threads;
        }

        synchronized @Nullable T next() throws Exception {
            T item = next.next(resource);
            more = item != null;
            return item;
        }

        boolean hasMore() {
            return more;
        }

        Mono<Void> closeWhenIdle() {
            return Asyncio.toThread(this::closed, threads);
        }

        /** A read may be under way. */
        Mono<Void> closeWhenCancelled() {
            return closesAtOnce ? BlockingEnd.close(resource, this::closed) : closeWhenIdle();
        }

        private @Nullable Void closed() throws Exception {
            close();
            return null;
        }

        @Override
        public void close() throws Exception {
            if (closesAtOnce) {
                resource.close();
            } else {
                synchronized (this) {
                    resource.close();
                }
            }
        }
    }

    private static final class ChunkWriter implements AutoCloseable {
        private final OutputStream stream;

        ChunkWriter(OutputStream stream) {
            this.stream = Objects.requireNonNull(stream, "The opening function returned null");
        }

        synchronized void write(byte[] chunk) throws IOException {
            stream.write(chunk);
        }

        /** Behind a write that is under way. */
        @Override
        public synchronized void close() throws IOException {
            stream.close();
        }
    }
}
