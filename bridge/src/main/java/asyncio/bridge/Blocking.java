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
 * Blocking calls as Monos and Fluxes, on the threads of {@link Asyncio#toThread}: platform threads of the running loop
 * or of a shared one. The calls see the subscriber's context as {@link Asyncio#currentContext()}, and its ThreadLocals
 * if {@code io.micrometer:context-propagation} is on the class path. For the other direction, from plain threads to
 * Monos, see {@link BlockingPortal}.
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
     * Returns a Mono of a blocking call, which may return null for an empty Mono. Nothing happens until subscription;
     * each subscription makes the call again.
     *
     * <p>Cancelling prevents a call that has not started. A running call is interrupted with
     * {@link Cancellation#PROPAGATE}; with {@link Cancellation#DETACH} it keeps running. In both cases a task that
     * awaits this resumes immediately, and the outcome of the call is discarded or dropped, except for an error caused
     * by the interrupt.
     */
    public static <T> Mono<T> mono(Callable<? extends @Nullable T> call, Cancellation cancellation) {
        Objects.requireNonNull(call, "call");
        boolean interrupt = Objects.requireNonNull(cancellation, "cancellation") == Cancellation.PROPAGATE;
        return Callbacks.mono(callback -> BlockingCall.start(call, interrupt, callback, null));
    }

    /**
     * Waits in a thread for a future that offers only blocking waits; an {@code ExecutionException} is unwrapped.
     * Nothing happens until subscription. For a future that is also a stage {@link Futures#toMono} is cheaper.
     *
     * <p>Cancelling frees the thread. With {@link Cancellation#PROPAGATE} it also cancels the future and interrupts its
     * computation.
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
     * Reads a stream to its end, one chunk for each requested. Threads, closing and cancelling are as in {@link #pull}.
     *
     * @param size the maximum size of a chunk, in bytes
     */
    public static Flux<byte[]> read(Callable<? extends InputStream> open, int size, Cancellation cancellation) {
        if (size <= 0) {
            throw new IllegalArgumentException("Chunks of " + size + " bytes: the size must be at least 1");
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
     * Reads a blocking resource to its end, one item for each requested, each in a thread. Nothing happens until
     * subscription; the resource is then opened in a thread, and finally closed in a thread.
     *
     * <p>Cancelling while an item is being read: {@link Cancellation#PROPAGATE} interrupts the read and closes the
     * resource immediately, which ends the reads of sockets and channels; {@link Cancellation#DETACH} closes it when
     * the read has returned. A resource that is being opened is closed once it is open; {@code PROPAGATE} interrupts
     * the opening too. A task that awaits the Flux resumes when the resource is closed; with {@code PROPAGATE} after
     * one second at the latest, with a warning: a close may itself wait for the read, as that of a
     * {@code BufferedReader} around a socket does, and is then left behind. For that reason each such Flux has its own
     * thread, which does not keep a program from ending.
     *
     * <pre>{@code
     * Flux<String> lines = Blocking.pull(() -> Files.newBufferedReader(path), BufferedReader::readLine, DETACH);
     * }</pre>
     *
     * @param next returns an item, or null at the end
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
     * The call that {@link #pull} makes for each item.
     *
     * @param <R> the type of the resource
     * @param <T> the type of the items
     */
    @FunctionalInterface
    public interface Next<R, T> {
        /** Blocks for the next item; null at the end. */
        @Nullable T next(R source) throws Exception;
    }

    /**
     * Writes all chunks of a source to a stream, each in a thread, and completes when the stream is closed. Nothing
     * happens until subscription; the stream is then opened in a thread. It is also closed, in a thread, on
     * cancellation, and if the source fails; this Mono then fails with the same error. A chunk that is being written is
     * completed first.
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

    /** A source that is read by one thread at a time. */
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

        /** Closes it while a read may be under way. */
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

        /** Closes the stream after a write that is under way. */
        @Override
        public synchronized void close() throws IOException {
            stream.close();
        }
    }
}
