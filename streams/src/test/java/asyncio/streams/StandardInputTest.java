package asyncio.streams;

import static asyncio.Asyncio.async;
import static asyncio.Asyncio.await;
import static asyncio.Asyncio.sleep;
import static asyncio.Asyncio.toThread;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import asyncio.Asyncio;
import asyncio.EventLoop;
import io.netty.util.concurrent.Ticker;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.PipedInputStream;
import java.io.PipedOutputStream;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import reactor.core.publisher.Mono;

/** The distribution of the bytes of a standard input, which all loops share. */
@Timeout(60)
@ExtendWith(LeakCheck.class)
class StandardInputTest {
    private static final int LIMIT = 64 * 1024;

    private static StandardInput input(InputStream stream) {
        return new StandardInput(stream, StandardInput.NONE);
    }

    private static StandardInput input(String text) {
        return input(new ByteArrayInputStream(text.getBytes(UTF_8)));
    }

    private static String text(Mono<byte[]> read) throws Exception {
        byte[] bytes = await(read);
        return bytes == null ? "the end" : new String(bytes, UTF_8);
    }

    @Test
    void nothingIsReadBeforeSubscription() throws Exception {
        AtomicInteger reads = new AtomicInteger();
        StandardInput input = input(new InputStream() {
            @Override
            public int read() {
                reads.incrementAndGet();
                return -1;
            }
        });
        Mono<StreamReader> reader = input.reader(LIMIT);
        assertThat(reads).hasValue(0);
        Asyncio.run(() -> assertThat(text(await(reader).readLine())).isEqualTo("the end"));
        assertThat(reads).hasValue(1);
    }

    @Test
    void aLoopHasOneReader() throws Exception {
        StandardInput input = input("text");
        Asyncio.run(() -> assertThat(await(input.reader(LIMIT))).isSameAs(await(input.reader(1))));
    }

    @Test
    void onlyOneLoopReadsAtATime() throws Exception {
        StandardInput input = input("text");
        Asyncio.run(() -> {
            await(input.reader(LIMIT));
            assertThatThrownBy(() -> await(toThread(() -> input.reader(LIMIT).block()))) // on a shared loop
                    .isInstanceOf(IllegalStateException.class)
                    .hasMessageContaining("stdin is read on <EventLoop asyncio-");
        });
        Asyncio.run(() -> assertThat(text(await(input.reader(LIMIT)).readAll())).isEqualTo("text"));
    }

    @Test
    void theNextLoopHasWhatWasBufferedAndTheEnd() throws Exception {
        AtomicBoolean atEnd = new AtomicBoolean();
        StandardInput input = input(new ByteArrayInputStream("one\ntwo\nthree".getBytes(UTF_8)) {
            @Override
            public int read(byte[] bytes) throws IOException {
                int n = super.read(bytes);
                atEnd.set(n < 0);
                return n;
            }
        });
        Asyncio.run(() -> {
            StreamReader reader = await(input.reader(LIMIT));
            assertThat(text(reader.readLine())).isEqualTo("one\n");
            while (!atEnd.get()) {
                await(sleep(Duration.ofMillis(1)));
            }
        });
        Asyncio.run(
                () -> assertThat(text(await(input.reader(LIMIT)).readLine())).isEqualTo("two\n"));
        Asyncio.run(() -> {
            StreamReader reader = await(input.reader(LIMIT));
            assertThat(text(reader.readLine())).isEqualTo("three");
            assertThat(text(reader.readLine())).isEqualTo("the end");
        });
        Asyncio.run(
                () -> assertThat(text(await(input.reader(LIMIT)).readLine())).isEqualTo("the end"));
    }

    @Test
    void aReadThatIsUnderWayWhenItsLoopIsClosedBringsItsBytesToTheNext() throws Exception {
        PipedOutputStream there = new PipedOutputStream();
        StandardInput input = input(new PipedInputStream(there));
        Asyncio.run(() -> await(input.reader(LIMIT)));
        Asyncio.run(() -> {
            StreamReader reader = await(input.reader(LIMIT));
            await(toThread(() -> {
                there.write("text\n".getBytes(UTF_8));
                there.close();
                return null;
            }));
            assertThat(text(reader.readAll())).isEqualTo("text\n");
        });
    }

    @Test
    void whatNobodyReadsStaysWhereItIs() throws Exception {
        AtomicLong taken = new AtomicLong();
        StandardInput input = input(new InputStream() {
            @Override
            public int read() {
                throw new UnsupportedOperationException();
            }

            @Override
            public int read(byte[] bytes, int offset, int length) {
                taken.addAndGet(length);
                return length;
            }
        });
        Asyncio.run(() -> {
            StreamReader reader = await(input.reader(1000));
            await(reader.readExactly(10));
            for (int i = 0; i < 20; i++) {
                await(sleep(Duration.ofMillis(1)));
                assertThat(taken.get()).isLessThanOrEqualTo(2 * 64 * 1024);
            }
            assertThat(await(reader.readExactly(1_000_000))).hasSize(1_000_000);
        });
    }

    @Test
    void anErrorFailsTheReader() throws Exception {
        StandardInput input = input(new InputStream() {
            private int count;

            @Override
            public int read() {
                throw new UnsupportedOperationException();
            }

            @Override
            public int read(byte[] bytes, int offset, int length) throws IOException {
                if (count++ > 0) {
                    throw new IOException("Input/output error");
                }
                bytes[offset] = 'x';
                return 1;
            }
        });
        for (int i = 0; i < 2; i++) {
            Asyncio.run(() -> {
                StreamReader reader = await(input.reader(LIMIT));
                assertThatThrownBy(() -> await(reader.readLine()))
                        .isInstanceOf(IOException.class)
                        .hasMessage("Input/output error");
            });
        }
    }

    @Test
    void aLineThatIsTooLongNamesTheSetting() throws Exception {
        StandardInput input = input("0123456789\n");
        Asyncio.run(() -> {
            StreamReader reader = await(input.reader(5));
            assertThatThrownBy(() -> await(reader.readLine()))
                    .isInstanceOf(LimitOverrunException.class)
                    .hasMessageContaining("the limit of Streams.stdin");
        });
        assertThatThrownBy(() -> Streams.stdin(0))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("not 0");
    }

    @Test
    void virtualTimeDoesNotWaitForInput() throws Exception {
        StandardInput input = input(new PipedInputStream(new PipedOutputStream()));
        EventLoop loop = EventLoop.builder().clock(Ticker.newMockTicker()).build();
        try {
            loop.runUntilComplete(async(() -> {
                await(input.reader(LIMIT));
                await(sleep(Duration.ofDays(365)));
                return null;
            }));
        } finally {
            loop.close();
        }
    }
}
