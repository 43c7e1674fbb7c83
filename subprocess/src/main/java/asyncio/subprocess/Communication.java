package asyncio.subprocess;

import asyncio.streams.BrokenPipeException;
import asyncio.streams.ConnectionResetException;
import asyncio.streams.StreamReader;
import asyncio.streams.StreamWriter;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/**
 * Writes the input of a child and reads all its output at the same time, so that neither side blocks the other. The
 * content of a stream that has ended is kept until all have ended: after a cancellation in between, the next call
 * returns it.
 */
final class Communication {
    /** The size of the pieces in which the input is written, in bytes. */
    private static final int CHUNK = 64 * 1024;
    /** Marks a part that has ended. */
    private static final Boolean DONE = true;

    private final Subprocess child;
    private final Command command;
    private final @Nullable StreamWriter stdin;
    private final Outlet stdout;
    private final Outlet stderr;

    Communication(
            Subprocess child,
            Command command,
            @Nullable StreamWriter stdin,
            @Nullable StreamReader stdout,
            @Nullable StreamReader stderr) {
        this.child = child;
        this.command = command;
        this.stdin = stdin;
        this.stdout = new Outlet(stdout);
        this.stderr = new Outlet(stderr);
    }

    /** A stream that the child writes to. */
    private record Outlet(@Nullable StreamReader reader, AtomicReference<byte @Nullable []> collected) {
        Outlet(@Nullable StreamReader reader) {
            this(reader, new AtomicReference<>());
        }

        /** Completes at the end of the stream. */
        Mono<Boolean> collect() {
            return reader == null
                    ? Mono.just(DONE)
                    : reader.readAll().doOnNext(this::keep).thenReturn(DONE);
        }

        private void keep(byte[] more) {
            collected.accumulateAndGet(more, (before, added) -> {
                if (before == null || before.length == 0 || added == null) {
                    return added;
                }
                byte[] all = Arrays.copyOf(before, before.length + added.length);
                System.arraycopy(added, 0, all, before.length, added.length);
                return all;
            });
        }

        byte @Nullable [] take() {
            byte[] bytes = collected.get(); // kept for the next call, in case this one is cancelled before it returns
            return bytes == null && reader != null ? new byte[0] : bytes;
        }
    }

    Mono<Output> with(byte[] input) {
        return Mono.zip(
                List.of(stdout.collect(), stderr.collect(), feed(input), child.waitFor()),
                results -> output((Integer) results[3]));
    }

    /** Reads the streams to their ends, which come at the latest when the pipes are closed, and returns the output. */
    Mono<Output> rest() {
        return Mono.when(stdout.collect(), stderr.collect())
                .then(child.waitFor())
                .map(this::output);
    }

    private Output output(int returnCode) {
        return new Output(returnCode, stdout.take(), stderr.take(), command);
    }

    /** Writes the input; it is not an error if the child does not read it. */
    private Mono<Boolean> feed(byte[] input) {
        if (stdin == null) {
            return Mono.just(DONE);
        }
        Mono<Void> written = input.length == 0 ? Mono.empty() : stdin.writeFromBuffers(slices(input));
        return written.onErrorComplete(
                        error -> error instanceof BrokenPipeException || error instanceof ConnectionResetException)
                .doOnTerminate(stdin::close)
                .thenReturn(DONE);
    }

    /** Splits the input without copying. */
    private static Flux<ByteBuf> slices(byte[] input) {
        int count = (input.length - 1) / CHUNK + 1;
        return Flux.range(0, count)
                .map(i -> Unpooled.wrappedBuffer(input, i * CHUNK, Math.min(CHUNK, input.length - i * CHUNK)));
    }
}
