package asyncio.subprocess;

import static asyncio.Asyncio.async;
import static asyncio.Asyncio.await;
import static asyncio.Asyncio.createTask;
import static asyncio.Asyncio.sleep;
import static asyncio.subprocess.Stdio.PIPE;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import asyncio.Asyncio;
import asyncio.Task;
import asyncio.streams.LeakCheck;
import asyncio.streams.internal.PipeEnd;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufAllocator;
import io.netty.buffer.ByteBufAllocatorMetric;
import io.netty.buffer.ByteBufAllocatorMetricProvider;
import io.netty.buffer.Unpooled;
import java.io.IOException;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/** Each side waits for the other, and nothing accumulates between them. */
@ExtendWith(LeakCheck.class)
class BackPressureTest {
    private static final Command CAT = Command.of("cat").stdin(PIPE).stdout(PIPE);
    /** A prime, so that no page or pipe boundary is a multiple of it: lost or doubled bytes show. */
    private static final int PERIOD = 251;
    /** The limit for Netty's memory, which is allocated in chunks of megabytes. */
    private static final long MOST = 32 << 20;

    @Test
    void aChildThatDoesNotReadSuspendsDrain() throws Exception {
        Asyncio.run(() -> {
            Subprocess child =
                    await(Subprocess.start(Command.of("sleep", "1000").stdin(PIPE)));
            AtomicLong written = new AtomicLong();
            Task<Void> writing = createTask(async(() -> {
                for (int i = 0; i < 200; i++) {
                    child.stdin().write(new byte[10_000]);
                    await(child.stdin().drain());
                    written.addAndGet(10_000);
                }
            }));
            long before;
            do {
                before = written.get();
                await(sleep(Duration.ofMillis(50)));
            } while (written.get() > before);
            assertThat(written).hasValueLessThan(300_000L); // the pipe, the write buffer and one write
            assertThat(writing.done()).isFalse();
            child.kill();
            assertThatThrownBy(() -> await(writing)).isInstanceOf(IOException.class);
            await(child.waitFor());
        });
    }

    @Test
    void aReaderThatDoesNotReadStopsTheChild() throws Exception {
        Asyncio.run(() -> {
            Subprocess child =
                    await(Subprocess.start(Command.of("yes").stdout(PIPE).limit(10_000)));
            PipeEnd pipe = child.pipe(1);
            while (pipe.config().isAutoRead()) {
                await(sleep(Duration.ofMillis(1)));
            }
            long cpu = cpu(child);
            await(sleep(Duration.ofMillis(300)));
            assertThat(cpu(child) - cpu).isLessThan(200);
            for (int i = 0; i < 100_000; i++) {
                assertThat(await(child.stdout().readLine())).isEqualTo(new byte[] {'y', '\n'});
            }
            await(child.killTree());
        });
    }

    private static long cpu(Subprocess child) {
        return child.handle().info().totalCpuDuration().orElse(Duration.ZERO).toMillis();
    }

    @Test
    void smallWritesThatFillThePipeComeAsTheyWereSent() throws Exception {
        int count = 3000;
        Asyncio.run(() -> {
            Subprocess cat = await(Subprocess.start(CAT));
            Task<Void> writing = createTask(async(() -> {
                for (int i = 0; i < count; i++) {
                    cat.stdin().write(line(i)); // without drain: most of it waits for the pipe
                }
                cat.stdin().close();
            }));
            for (int i = 0; i < count; i++) {
                assertThat(new String(await(cat.stdout().readLine()), UTF_8)).isEqualTo(line(i));
            }
            assertThat(await(cat.stdout().readLine())).isNull();
            await(writing);
            assertThat(await(cat.waitFor())).isZero();
        });
    }

    private static String line(int i) {
        return i + " " + "x".repeat(i % 700) + " " + i + "\n";
    }

    @Test
    @Timeout(value = 15, unit = TimeUnit.MINUTES)
    void gigabytesThroughCatInConstantMemory() throws Exception {
        int chunk = 261 * PERIOD;
        long total = (Long.getLong("asyncio.test.gibibytes", 1) << 30) / chunk * chunk;
        long before = used();
        ByteBuf block = Unpooled.directBuffer(chunk);
        for (int i = 0; i < chunk; i++) {
            block.writeByte(i % PERIOD);
        }
        AtomicLong most = new AtomicLong();
        AtomicLong come = new AtomicLong();
        Asyncio.run(() -> {
            Subprocess cat = await(Subprocess.start(CAT));
            Flux<ByteBuf> blocks = Flux.<ByteBuf>generate(sink -> sink.next(block.retainedDuplicate()))
                    .take(total / chunk);
            Mono<Void> written = cat.stdin().writeFromBuffers(blocks).doOnTerminate(cat.stdin()::close);
            Mono<Void> read = cat.stdout()
                    .chunksRetained()
                    .doOnNext(bytes -> {
                        assertFollows(bytes, come.getAndAdd(bytes.readableBytes()), block);
                        bytes.release();
                        most.accumulateAndGet(used(), Math::max);
                    })
                    .then();
            await(Mono.when(written, read));
            assertThat(await(cat.waitFor())).isZero();
        });
        block.release();
        assertThat(come).hasValue(total);
        assertThat(most.get() - before).isLessThan(MOST);
    }

    /** Asserts that the bytes are those at this position of an endlessly repeated block. */
    private static void assertFollows(ByteBuf bytes, long place, ByteBuf block) {
        int length = block.readableBytes();
        int at = (int) (place % length);
        for (int begin = bytes.readerIndex(); begin < bytes.writerIndex(); at = 0) {
            int n = Math.min(bytes.writerIndex() - begin, length - at);
            if (!bytes.nioBuffer(begin, n).equals(block.nioBuffer(at, n))) {
                throw new AssertionError("other bytes than were sent came within " + n + " after " + place);
            }
            begin += n;
        }
    }

    private static long used() {
        ByteBufAllocatorMetric metric = ((ByteBufAllocatorMetricProvider) ByteBufAllocator.DEFAULT).metric();
        return metric.usedDirectMemory() + metric.usedHeapMemory();
    }
}
