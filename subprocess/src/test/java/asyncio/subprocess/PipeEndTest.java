package asyncio.subprocess;

import static asyncio.Asyncio.await;
import static asyncio.subprocess.Stdio.PIPE;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import asyncio.Asyncio;
import asyncio.LogCapture;
import asyncio.streams.LeakCheck;
import asyncio.streams.LimitOverrunException;
import io.netty.buffer.AbstractByteBufAllocator;
import io.netty.buffer.ByteBuf;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Objects;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;

/** An end of a pipe without enough memory, or without enough time. */
@ExtendWith(LeakCheck.class)
class PipeEndTest {
    private static final class NoMemory extends AbstractByteBufAllocator {
        @Override
        protected ByteBuf newHeapBuffer(int capacity, int max) {
            throw new OutOfMemoryError("none for " + capacity);
        }

        @Override
        protected ByteBuf newDirectBuffer(int capacity, int max) {
            return newHeapBuffer(capacity, max);
        }

        @Override
        public boolean isDirectBufferPooled() {
            return false;
        }
    }

    @Test
    void outputForWhichThereIsNoMemoryFailsTheRead() throws Exception {
        Asyncio.run(() -> {
            Subprocess child =
                    await(Subprocess.start(Command.of("cat").stdin(PIPE).stdout(PIPE)));
            Objects.requireNonNull(child.pipe(1)).config().setAllocator(new NoMemory());
            assertThatThrownBy(() -> {
                        while (true) { // on threads the first read already has its memory
                            child.stdin().write("line\n");
                            await(child.stdout().readLine());
                        }
                    })
                    .isInstanceOf(OutOfMemoryError.class);
            await(child.closeAndWait());
        });
    }

    @Test
    void theEndOfRunWaitsUntilAChildHasTakenWhatWasWritten(@TempDir Path directory) throws Exception {
        Path file = directory.resolve("file");
        int size = 500_000;
        try (LogCapture log = new LogCapture()) {
            Asyncio.run(() -> {
                Subprocess child = await(
                        Subprocess.start(Command.shell("sleep 1; cat > " + file).stdin(PIPE)));
                child.stdin().write(new byte[size]);
                child.stdin().close();
            });
            assertThat(log.messages()).noneMatch(message -> message.contains("unsent"));
        }
        assertThat(Files.size(file)).isGreaterThan(size - (128 << 10)); // the bytes in the pipe are lost with the child
    }

    @Test
    void aLineThatIsTooLongNamesTheCommandsLimitAndTheChild() throws Exception {
        Asyncio.run(() -> await(Subprocess.useBody(
                Command.shell("echo 0123456789").stdout(PIPE).limit(5), child -> {
                    assertThatThrownBy(() -> await(child.stdout().readLine()))
                            .isInstanceOf(LimitOverrunException.class)
                            .hasMessageContaining("Command.limit")
                            .hasMessageContaining("stdout of /bin/sh, pid " + child.pid());
                    return 0;
                })));
    }
}
