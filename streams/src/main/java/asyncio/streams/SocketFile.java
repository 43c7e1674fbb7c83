package asyncio.streams;

import static asyncio.Asyncio.cleanup;
import static asyncio.Asyncio.toThread;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.IllegalBlockingModeException;
import java.nio.channels.SocketChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Mono;
import reactor.core.publisher.Operators;
import reactor.util.context.Context;

/**
 * A file being sent by {@link Sockets#sockSendFile}: piece by piece, on other threads, since reading a file blocks.
 * Nothing else may be written from the first piece to the last. A cancellation waits for the piece being sent.
 */
final class SocketFile {
    private static final int PIECE = 1 << 20;

    private final SocketChannel socket;
    private final Path path;
    private final long offset;
    private final long count;
    private final SocketAttempt<Void> claim;
    /** The next byte to send, and the one after the last. */
    private long at;

    private long end;
    private @Nullable FileChannel file;
    /** The following three are guarded by this. */
    private boolean busy;

    private boolean closed;
    private @Nullable Runnable whenIdle;

    private SocketFile(SocketChannel socket, Path path, long offset, long count) {
        this.socket = socket;
        this.path = path;
        this.offset = offset;
        this.count = count;
        this.claim = new Room();
    }

    /** Returns the cold Mono of the number of bytes. */
    static Mono<Long> send(SocketChannel socket, Path path, long offset, long count) {
        return Mono.usingWhen(
                Mono.fromCallable(() -> claimed(new SocketFile(socket, path, offset, count))),
                SocketFile::sendAll,
                SocketFile::close,
                (file, error) -> file.close(),
                file -> cleanup(file.close()));
    }

    private static SocketFile claimed(SocketFile file) {
        if (file.socket.isBlocking()) {
            throw new IllegalBlockingModeException();
        }
        SocketClaims.take(file.claim);
        return file;
    }

    private Mono<Long> sendAll() {
        return toThread(this::open)
                .then(Mono.defer(() -> at >= end ? Mono.empty() : sendPiece())
                        .repeat(() -> at < end)
                        .then(Mono.fromSupplier(() -> Math.max(0, at - offset))));
    }

    /** Opens the file and returns its size. Blocks, possibly forever, as for a FIFO. */
    private long open() throws IOException {
        FileChannel opened = FileChannel.open(path, StandardOpenOption.READ);
        boolean wanted = false;
        try {
            long size = opened.size();
            at = offset;
            end = offset >= size ? offset : offset + Math.min(count, size - offset);
            synchronized (this) {
                wanted = !closed;
                file = wanted ? opened : null;
            }
            return size;
        } finally {
            if (!wanted) {
                opened.close();
            }
        }
    }

    private Mono<Void> sendPiece() {
        return toThread(this::transfer).flatMap(sent -> sent ? Mono.empty() : room());
    }

    /** Waits until the socket can be written to. */
    private Mono<Void> room() {
        return new MonoSocket<>(Room::new);
    }

    /** Ends as soon as the channel was waited for. */
    private final class Room extends SocketAttempt<Void> {
        private boolean hasWaited;

        Room() {
            super(socket, Kind.WRITES, "sockSendFile");
        }

        @Override
        boolean isOverNow() {
            boolean over = hasWaited;
            hasWaited = true;
            return over;
        }

        @Override
        boolean hasClaim() {
            return true;
        }
    }

    /** Sends a piece; returns false if there is no room for any of it. Blocks while the piece is read. */
    private boolean transfer() throws IOException {
        FileChannel file;
        synchronized (this) {
            file = this.file;
            if (closed || file == null) {
                return true;
            }
            busy = true;
        }
        try {
            long sent = file.transferTo(at, Math.min(PIECE, end - at), socket);
            at += sent;
            if (sent == 0 && file.size() <= at) {
                end = at; // the file has become shorter
                return true;
            }
            return sent > 0;
        } finally {
            idle();
        }
    }

    private void idle() {
        Runnable waiting;
        synchronized (this) {
            busy = false;
            waiting = whenIdle;
        }
        if (waiting != null) {
            waiting.run();
        }
    }

    /** Completes when no piece is being sent any more; then the socket is free for other calls. */
    private Mono<Void> close() {
        return Mono.create(sink -> {
            Runnable last = () -> {
                release();
                sink.success();
            };
            synchronized (this) {
                closed = true;
                if (busy) {
                    whenIdle = last;
                    return;
                }
            }
            last.run();
        });
    }

    private void release() {
        FileChannel file = this.file;
        if (file != null) {
            try {
                file.close();
            } catch (IOException e) {
                Operators.onErrorDropped(e, Context.empty());
            }
        }
        SocketClaims.release(claim);
    }
}
