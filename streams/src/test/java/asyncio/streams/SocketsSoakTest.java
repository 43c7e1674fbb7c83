package asyncio.streams;

import static asyncio.Asyncio.async;
import static asyncio.Asyncio.await;
import static asyncio.Asyncio.createTask;
import static asyncio.Asyncio.gather;
import static asyncio.Asyncio.sleep;
import static asyncio.Asyncio.toThread;
import static asyncio.Asyncio.waitFor;
import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import asyncio.Asyncio;
import asyncio.CancelledException;
import asyncio.EventLoop;
import asyncio.Future;
import asyncio.Task;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.DatagramChannel;
import java.nio.channels.Pipe;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.TimeoutException;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import reactor.core.publisher.Mono;

/**
 * Calls on sockets and readiness callbacks that are cancelled and removed at any point: every byte arrives once and in
 * order, every datagram once, and no descriptor is left behind.
 */
@Timeout(600)
class SocketsSoakTest {
    private static final int ROUNDS = Integer.getInteger("asyncio.soak.sockets", 20);
    private static final int AT_A_TIME = 10;
    private static final int BYTES = 1 << 19;
    private static final int DATAGRAMS = 200;

    @TempDir
    private Path directory;

    private final Random random;
    private final long seed;

    SocketsSoakTest() {
        seed = Long.getLong("asyncio.test.seed", new Random().nextLong());
        random = new Random(seed);
    }

    @Test
    void everythingComesOnceAndNothingStays() throws Exception {
        System.out.println("SocketsSoakTest with -Dasyncio.test.seed=" + seed);
        try {
            Asyncio.run(this::soak);
        } catch (Throwable e) {
            throw new AssertionError("with -Dasyncio.test.seed=" + seed, e);
        }
    }

    private void soak() throws Exception {
        boolean linux = Files.isDirectory(Path.of("/proc/self/fd"));
        Path file = Files.write(directory.resolve("file"), pattern(0, BYTES));
        round(file); // opens everything that is opened only once
        long before = linux ? await(toThread(SoakTest::descriptors)) : 0;
        for (int i = 0; i < ROUNDS; i++) {
            round(file);
        }
        while (linux && await(toThread(SoakTest::descriptors)) > before + 3) { // a log or a collector may have some
            await(sleep(Duration.ofMillis(10)));
        }
    }

    private void round(Path file) throws Exception {
        List<Mono<Void>> all = new ArrayList<>();
        for (int i = 0; i < AT_A_TIME; i++) {
            all.add(async(() -> streams(file)));
            all.add(async(this::datagrams));
            all.add(async(this::readiness));
        }
        await(gather(all));
    }

    private static byte at(int position) {
        return (byte) (position * 31 + (position >> 8) * 7 + (position >> 16));
    }

    private static byte[] pattern(int from, int length) {
        byte[] bytes = new byte[length];
        for (int i = 0; i < length; i++) {
            bytes[i] = at(from + i);
        }
        return bytes;
    }

    private static void check(byte[] bytes, int length, int position) {
        for (int i = 0; i < length; i++) {
            if (bytes[i] != at(position + i)) {
                throw new AssertionError("the byte at " + (position + i) + " is " + bytes[i]);
            }
        }
    }

    // ---- streams

    private void streams(Path file) throws Exception {
        SocketPair pair = await(toThread(SocketPair::open));
        try (pair) {
            Task<Void> sending = createTask(async(() -> send(pair.near(), file)));
            int position = 0;
            ByteBuffer buffer = ByteBuffer.allocate(100_000);
            while (true) {
                int n = 1 + random.nextInt(50_000);
                int length;
                byte[] data;
                if (random.nextBoolean()) {
                    data = anyhow(Sockets.sockRecv(pair.far(), n));
                    length = data == null ? -1 : data.length;
                } else {
                    Integer read = anyhow(
                            Sockets.sockRecvInto(pair.far(), buffer.clear().limit(n)));
                    assertThat(buffer.position()).isEqualTo(read == null ? 0 : read);
                    data = buffer.array();
                    length = read == null ? -1 : read;
                }
                if (length == 0) {
                    break;
                }
                if (length > 0) {
                    check(data, length, position);
                    position += length;
                }
            }
            assertThat(position).isEqualTo(BYTES);
            await(sending);
        }
    }

    private void send(SocketChannel socket, Path file) throws Exception {
        for (int position = 0; position < BYTES; ) {
            int n = Math.min(BYTES - position, 1 + random.nextInt(100_000));
            switch (random.nextInt(3)) {
                case 0 -> await(Sockets.sockSendAll(socket, pattern(position, n)));
                case 1 -> await(createTask(Sockets.sockSendAll(socket, ByteBuffer.wrap(pattern(position, n)))));
                default ->
                    assertThat(await(Sockets.sockSendFile(socket, file, position, n)))
                            .isEqualTo(n);
            }
            position += n;
            if (random.nextInt(4) == 0) {
                await(sleep(Duration.ofNanos(random.nextInt(500_000))));
            }
        }
        socket.shutdownOutput();
    }

    /** Awaits a call in a random way, or tries to cancel it; null if it was cancelled. */
    private <T> @Nullable T anyhow(Mono<T> call) throws Exception {
        int way = random.nextInt(5);
        if (way == 0) {
            return await(call);
        }
        if (way == 1) {
            try {
                return await(waitFor(call, Duration.ofNanos(1 + random.nextInt(300_000))));
            } catch (TimeoutException e) {
                return null;
            }
        }
        Task<T> task = createTask(way == 2 ? call : async(() -> await(call)));
        for (int i = random.nextInt(4); i > 0; i--) {
            await(sleep(random.nextBoolean() ? Duration.ZERO : Duration.ofNanos(random.nextInt(200_000))));
        }
        if (random.nextBoolean()) {
            task.cancel();
        }
        try {
            return await(task);
        } catch (CancelledException e) {
            return null;
        }
    }

    // ---- datagrams

    private void datagrams() throws Exception {
        try (DatagramChannel sender = SocketPair.datagrams();
                DatagramChannel receiver = SocketPair.datagrams()) {
            int received = 0;
            for (int sent = 0; sent < DATAGRAMS; ) {
                for (int i = random.nextInt(5); i >= 0; i--, sent++) { // the datagrams in transit fit into any buffer
                    await(Sockets.sockSendTo(
                            sender, ByteBuffer.allocate(4).putInt(sent).array(), receiver.getLocalAddress()));
                }
                while (received < sent) {
                    Datagram datagram = anyhow(Sockets.sockRecvFrom(receiver, 100));
                    if (datagram != null) {
                        assertThat(ByteBuffer.wrap(datagram.data()).getInt()).isEqualTo(received++);
                    }
                }
            }
        }
    }

    // ---- readiness

    private void readiness() throws Exception {
        EventLoop loop = EventLoop.getRunningLoop();
        Pipe pipe = Pipe.open();
        try (Pipe.SourceChannel source = pipe.source();
                Pipe.SinkChannel sink = pipe.sink()) {
            source.configureBlocking(false);
            sink.configureBlocking(false);
            int[] positions = {0, 0}; // written, read
            Future<Void> over = loop.createFuture();
            ByteBuffer buffer = ByteBuffer.allocate(2000);
            Runnable reader = () -> {
                try {
                    int n = source.read(buffer.clear());
                    check(buffer.array(), n, positions[1]);
                    positions[1] += Math.max(0, n);
                } catch (IOException | RuntimeException | AssertionError e) {
                    over.trySetException(e);
                }
                if (positions[1] == BYTES / 8) {
                    over.trySetResult(null);
                }
            };
            Runnable writer = () -> {
                int n = Math.min(BYTES / 8 - positions[0], 1 + random.nextInt(3000));
                try {
                    positions[0] += sink.write(ByteBuffer.wrap(pattern(positions[0], n)));
                } catch (IOException e) {
                    over.trySetException(e);
                }
                if (positions[0] == BYTES / 8) {
                    loop.removeWriter(sink);
                }
            };
            while (!over.done()) {
                if (positions[0] < BYTES / 8) {
                    loop.addWriter(sink, writer);
                }
                loop.addReader(source, reader);
                await(sleep(Duration.ofNanos(random.nextInt(1_000_000))));
                if (random.nextBoolean()) {
                    assertThat(loop.removeReader(source)).isTrue();
                    int then = positions[1];
                    await(sleep(Duration.ZERO));
                    assertThat(positions[1]).isEqualTo(then);
                }
                if (random.nextBoolean()) {
                    loop.removeWriter(sink);
                }
            }
            await(over);
            loop.removeReader(source);
            loop.removeWriter(sink);
        }
    }

    @Test
    void aByteThatIsNotInItsPlaceIsFound() {
        assumeTrue(at(1) != at(2));
        byte[] bytes = pattern(0, 10);
        check(bytes, 10, 0);
        org.assertj.core.api.Assertions.assertThatThrownBy(() -> check(bytes, 10, 1))
                .isInstanceOf(AssertionError.class);
    }
}
