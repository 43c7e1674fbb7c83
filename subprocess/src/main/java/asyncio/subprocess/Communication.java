package asyncio.subprocess;

import asyncio.streams.BrokenPipeException;
import asyncio.streams.ConnectionResetException;
import asyncio.streams.StreamReader;
import asyncio.streams.StreamWriter;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import java.util.List;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/** All that goes to a child and all that comes from it, at the same time, so that neither side waits for the other. */
final class Communication {
    /** Of the input so much is passed on at once, in bytes. */
    private static final int CHUNK = 64 * 1024;
    /** Stands for the output of what is no pipe. */
    private static final byte[] NO_PIPE = new byte[0];

    private Communication() {}

    static Mono<Output> with(
            Subprocess child,
            @Nullable StreamWriter stdin,
            @Nullable StreamReader stdout,
            @Nullable StreamReader stderr,
            byte[] input) {
        return Mono.zip(
                List.of(
                        readAll(stdout),
                        readAll(stderr),
                        stdin == null ? Mono.just(NO_PIPE) : feed(stdin, input),
                        child.waitFor()),
                results -> new Output((Integer) results[3], bytes(results[0]), bytes(results[1])));
    }

    private static Mono<byte[]> readAll(@Nullable StreamReader reader) {
        return reader == null ? Mono.just(NO_PIPE) : reader.readAll();
    }

    private static byte @Nullable [] bytes(Object output) {
        return output == NO_PIPE ? null : (byte[]) output;
    }

    /** Whether the child reads its input is its own affair. */
    private static Mono<byte[]> feed(StreamWriter stdin, byte[] input) {
        Mono<Void> written = input.length == 0 ? Mono.empty() : stdin.writeFromBuffers(slices(input));
        return written.onErrorComplete(
                        error -> error instanceof BrokenPipeException || error instanceof ConnectionResetException)
                .doOnTerminate(stdin::close)
                .thenReturn(NO_PIPE);
    }

    /** Without copying. */
    private static Flux<ByteBuf> slices(byte[] input) {
        int count = (input.length - 1) / CHUNK + 1;
        return Flux.range(0, count)
                .map(i -> Unpooled.wrappedBuffer(input, i * CHUNK, Math.min(CHUNK, input.length - i * CHUNK)));
    }
}
