package asyncio.streams;

import static asyncio.Asyncio.toThread;

import io.netty.channel.DefaultFileRegion;
import io.netty.util.AbstractReferenceCounted;
import io.netty.util.ReferenceCounted;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Arrays;
import java.util.Objects;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.core.publisher.MonoSink;
import reactor.core.publisher.Operators;
import reactor.util.context.Context;

/** Implements {@link StreamWriter#sendFile}, in pieces, so that a cancellation can stop it. */
final class SendFile {
    private static final int REGION = 1 << 20;
    private static final int CHUNK = 1 << 16;

    private final StreamWriter writer;
    private final StreamHandler handler;
    private final Path path;
    private final long offset;
    private final long count;

    SendFile(StreamWriter writer, StreamHandler handler, Path path, long offset, long count) {
        this.writer = writer;
        this.handler = handler;
        this.path = path;
        this.offset = offset;
        this.count = count;
    }

    Mono<Long> send() {
        return Mono.using(
                () -> new OpenFile(path, writer.out()),
                file -> toThread(file::open).flatMap(size -> {
                    long end = offset >= size ? offset : offset + Math.min(count, size - offset);
                    return handler.sendsRegions() ? sendRegions(file, end) : sendChunks(file, end);
                }),
                OpenFile::end);
    }

    private Flux<Long> pieces(long end, int size) {
        return Flux.generate(() -> offset, (at, sink) -> {
            if (at < end) {
                sink.next(at);
            } else {
                sink.complete();
            }
            return at + size;
        });
    }

    private Mono<Long> sendRegions(OpenFile file, long end) {
        return pieces(end, REGION)
                .concatMap(at -> sendRegion(file, at, Math.min(REGION, end - at)), 1)
                .then(Mono.just(end - offset));
    }

    private Mono<Void> sendRegion(OpenFile file, long at, long length) {
        return Mono.create(sink -> {
            Region region = new Region(file, at, length);
            AtomicBoolean cancelled = new AtomicBoolean();
            sink.onCancel(() -> cancelled.set(true));
            try {
                writer.out().onLoop(() -> {
                    if (cancelled.get()) { // other writes may have started since
                        region.release();
                    } else {
                        send(region, sink);
                    }
                });
            } catch (RejectedExecutionException e) {
                region.release();
                sink.error(writer.out().lossError());
            }
        });
    }

    private void send(Region region, MonoSink<Void> sink) {
        try {
            handler.send(region).addListener(sent -> {
                if (sent.isSuccess()) {
                    sink.success();
                } else {
                    sink.error(writer.out().lossError());
                }
            });
        } catch (Throwable e) { // the caller may have continued on another thread
            sink.error(e);
        }
    }

    private Mono<Long> sendChunks(OpenFile file, long end) {
        AtomicLong sent = new AtomicLong();
        Flux<byte[]> chunks = pieces(end, CHUNK)
                .concatMap(at -> toThread(() -> file.read(at, (int) Math.min(CHUNK, end - at))), 1)
                .doOnNext(chunk -> sent.addAndGet(chunk.length));
        return writer.writeFile(file, chunks).then(Mono.fromSupplier(sent::get));
    }

    /** The file, closed when neither the Mono nor the channel needs it any more. */
    private static final class OpenFile extends AbstractReferenceCounted {
        private final Path path;
        private final Outgoing out;
        private @Nullable FileChannel channel;
        private boolean closed;

        /** Reserves the write side until {@link #end}. */
        OpenFile(Path path, Outgoing out) {
            this.path = path;
            this.out = out;
            out.beginFile(this);
        }

        /** Everything was sent, or sending failed or was cancelled; no piece is sent after this. */
        void end() {
            out.endFile();
            release();
        }

        /** Opens the file and returns its size. Blocks, possibly forever, as for a FIFO. */
        long open() throws IOException {
            FileChannel opened = FileChannel.open(path, StandardOpenOption.READ);
            boolean wanted = false;
            try {
                long size = opened.size();
                synchronized (this) {
                    wanted = !closed;
                    if (wanted) {
                        channel = opened;
                    }
                }
                return wanted ? size : 0; // cancelled meanwhile
            } finally {
                if (!wanted) {
                    opened.close();
                }
            }
        }

        synchronized FileChannel channel() {
            return Objects.requireNonNull(channel, "not open");
        }

        /** Reads a piece; returns less at the end of the file. Blocks. */
        byte[] read(long at, int length) throws IOException {
            ByteBuffer bytes = ByteBuffer.allocate(length);
            int read = 0;
            while (read >= 0 && bytes.hasRemaining()) {
                read = channel().read(bytes, at + bytes.position());
            }
            return Arrays.copyOf(bytes.array(), bytes.position());
        }

        @Override
        protected void deallocate() {
            FileChannel opened;
            synchronized (this) {
                closed = true;
                opened = channel;
            }
            if (opened != null) {
                try {
                    opened.close();
                } catch (IOException e) {
                    Operators.onErrorDropped(e, Context.empty());
                }
            }
        }

        @Override
        public ReferenceCounted touch(Object hint) {
            return this;
        }
    }

    /** A part of a file that is sent in several. */
    private static final class Region extends DefaultFileRegion {
        private final OpenFile file;

        Region(OpenFile file, long at, long length) {
            super(file.channel(), at, length);
            this.file = file;
            file.retain();
        }

        @Override
        protected void deallocate() {
            file.release();
        }
    }
}
