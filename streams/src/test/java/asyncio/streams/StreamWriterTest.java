package asyncio.streams;

import static asyncio.Asyncio.await;
import static asyncio.Asyncio.createTask;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import asyncio.Asyncio;
import asyncio.Future;
import asyncio.Task;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufAllocator;
import io.netty.buffer.UnpooledByteBufAllocator;
import io.netty.channel.Channel;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.Random;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

@ExtendWith(LeakCheck.class)
class StreamWriterTest extends PeerFixture {
    // ---- failing and ending

    @Test
    @DisplayName("STR-02 after a reset every read fails with it, and closing says nothing")
    void reset() throws Exception {
        withPeer((connection, peer) -> {
            peer.setSoLinger(true, 0);
            peer.close();
            assertThatThrownBy(() -> await(connection.reader().readLine()))
                    .isInstanceOf(IOException.class)
                    .hasMessageContaining("reset");
            assertThatThrownBy(() -> await(connection.reader().read(1)))
                    .isInstanceOf(IOException.class)
                    .hasMessageContaining("reset");
            assertThatThrownBy(() -> await(connection.writer().drain()))
                    .isInstanceOf(IOException.class)
                    .hasMessageContaining("reset");
            assertThatThrownBy(() -> await(connection.writer().waitClosed()))
                    .isInstanceOf(IOException.class)
                    .hasMessageContaining("reset");
            connection.close();
        });
    }

    @Test
    @DisplayName("STR-39 write and drain in a loop fail once the peer has closed")
    void drainRaises() throws Exception {
        withPeer((connection, peer) -> {
            peer.close();
            assertThatThrownBy(() -> {
                        for (; ; ) {
                            connection.writer().write("foo\n");
                            await(connection.writer().drain());
                        }
                    })
                    .isInstanceOf(IOException.class);
        });
    }

    @Test
    @DisplayName("STR-41 STR-43 isClosing, close, waitClosed")
    void waitClosed() throws Exception {
        withPeer((connection, peer) -> {
            StreamWriter writer = connection.writer();
            assertThat(writer.isClosing()).isFalse();
            writer.close();
            assertThat(writer.isClosing()).isTrue();
            await(writer.waitClosed());
            await(writer.waitClosed());
            assertThat(peer.getInputStream().read()).isEqualTo(-1);
        });
    }

    @Test
    @DisplayName("STR-42 STR-45 waitClosed does not wait for unread data; then the stream is at its end")
    void waitClosedWithUnreadData() throws Exception {
        withPeer((connection, peer) -> {
            peer.getOutputStream().write("Lorem ipsum\nleft".getBytes(UTF_8));
            assertThat(text(await(connection.reader().readLine()))).isEqualTo("Lorem ipsum\n");
            connection.close();
            await(connection.writer().waitClosed());
            assertThat(text(await(connection.reader().readAll()))).isEqualTo("left");
            assertThat(connection.reader().atEof()).isTrue();
            assertThat(await(connection.reader().read(1))).isNull();
        });
    }

    @Test
    @DisplayName("STR-44 after close drain fails, and write does not")
    void writeAfterClose() throws Exception {
        withPeer((connection, peer) -> {
            connection.close();
            connection.writer().write("data");
            assertThatThrownBy(() -> await(connection.writer().drain()))
                    .isInstanceOf(ConnectionResetException.class)
                    .hasMessageContaining("Connection lost");
        });
    }

    @Test
    void closeSendsWhatIsBuffered() throws Exception {
        withPeer((connection, peer) -> {
            byte[] much = new byte[4_000_000];
            Arrays.fill(much, (byte) 'x');
            connection.writer().write(much);
            connection.close();
            assertThat(await(Asyncio.toThread(() -> peer.getInputStream().readAllBytes())))
                    .isEqualTo(much);
        });
    }

    @Test
    @DisplayName("STR-54 the end of the peer's stream leaves the write side usable; writeEof closes only that")
    void halfClose() throws Exception {
        withPeer((connection, peer) -> {
            peer.shutdownOutput();
            assertThat(await(connection.reader().readLine())).isNull();
            assertThat(connection.writer().isClosing()).isFalse();
            assertThat(connection.writer().canWriteEof()).isTrue();
            connection.writer().write("still here");
            connection.writer().writeEof();
            connection.writer().writeEof();
            assertThatThrownBy(() -> connection.writer().write("x"))
                    .isInstanceOf(IllegalStateException.class)
                    .hasMessageContaining("writeEof");
            assertThat(text(await(Asyncio.toThread(() -> peer.getInputStream().readAllBytes()))))
                    .isEqualTo("still here");
        });
    }

    // ---- drain

    /** Writes until the socket accepts no more. */
    private static int fill(StreamWriter writer) {
        Channel channel = (Channel) Objects.requireNonNull(writer.getExtraInfo("socket"));
        byte[] chunk = new byte[100_000];
        int written = 0;
        while (channel.isWritable()) {
            writer.write(chunk);
            written += chunk.length;
        }
        return written;
    }

    @Test
    @DisplayName("STR-38 STR-52 several may wait for drain; all go on when the low limit is reached")
    void severalDrains() throws Exception {
        withPeer((connection, peer) -> {
            int written = fill(connection.writer());
            List<Task<Void>> drains = new ArrayList<>();
            for (int i = 0; i < 10; i++) {
                drains.add(createTask(connection.writer().drain()));
            }
            tick();
            assertThat(drains).noneMatch(Future::done);
            drains.get(9).cancel();
            byte[] sent = await(Asyncio.toThread(() -> peer.getInputStream().readNBytes(written)));
            assertThat(sent).hasSize(written);
            for (Task<Void> drain : drains.subList(0, 9)) {
                await(drain);
            }
            assertThat(drains.get(9).cancelled()).isTrue();
        });
    }

    @Test
    @DisplayName("STR-53 drains that wait fail with what breaks the connection")
    void drainFailsWithTheConnection() throws Exception {
        withPeer((connection, peer) -> {
            fill(connection.writer());
            Task<Void> drain = createTask(connection.writer().drain());
            tick();
            peer.setSoLinger(true, 0);
            peer.close();
            assertThatThrownBy(() -> await(drain)).isInstanceOf(IOException.class);
        });
    }

    @Test
    void writeBufferLimitsAreChecked() throws Exception {
        withPeer((connection, peer) -> {
            StreamWriter writer = connection.writer();
            assertThatThrownBy(() -> writer.setWriteBufferLimits(1, 2))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessageContaining("high (1)");
            writer.setWriteBufferLimits(0);
            writer.write("x");
            await(writer.drain());
            assertThat(peer.getInputStream().read()).isEqualTo('x');
        });
    }

    @Test
    void arraysAndPiecesOfBuffersArriveInTheOrderOfTheirWrites() throws Exception {
        withPeer((connection, peer) -> {
            StreamWriter writer = connection.writer();
            long seed = Long.getLong("asyncio.test.seed", System.nanoTime());
            Random random = new Random(seed);
            StringBuilder sent = new StringBuilder();
            ByteBufAllocator untracked = new UnpooledByteBufAllocator(true, true);
            List<ByteBuf> buffers = new ArrayList<>();
            for (int turn = 0; turn < 20; turn++) {
                ByteBuf buffer = untracked.directBuffer();
                buffers.add(buffer);
                for (int i = 0; i < 500; i++) {
                    buffer.writeCharSequence((char) ('a' + turn) + "" + i + "\n", UTF_8);
                }
                while (buffer.isReadable()) {
                    ByteBuf piece = buffer.readSlice(Math.min(1 + random.nextInt(40), buffer.readableBytes()));
                    sent.append(piece.toString(UTF_8));
                    switch (random.nextInt(5)) {
                        case 0 -> writer.write(piece.toString(UTF_8));
                        case 1 -> writer.write(untracked.directBuffer().writeBytes(piece));
                        default -> writer.write(piece.retain());
                    }
                }
                buffer.release();
                if (random.nextBoolean()) {
                    await(writer.drain());
                }
            }
            writer.writeEof();
            byte[] received = await(Asyncio.toThread(() -> peer.getInputStream().readAllBytes()));
            assertThat(new String(received, UTF_8))
                    .as("-Dasyncio.test.seed=" + seed)
                    .isEqualTo(sent.toString());
            assertThat(buffers).allSatisfy(buffer -> assertThat(buffer.refCnt()).isZero());
        });
    }

    @Test
    void anArrayMayBeReusedAfterWrite() throws Exception {
        withPeer((connection, peer) -> {
            byte[] bytes = {1, 2};
            connection.writer().write(bytes);
            bytes[0] = 9;
            connection.writer().writelines(List.of(bytes, bytes));
            connection.writer().writeEof();
            assertThat(await(Asyncio.toThread(() -> peer.getInputStream().readAllBytes())))
                    .containsExactly(1, 2, 9, 2, 9, 2);
        });
    }

    @Test
    void writesFromAnotherThreadKeepTheirOrder() throws Exception {
        withPeer((connection, peer) -> {
            await(Asyncio.toThread(() -> {
                for (int i = 0; i < 1000; i++) {
                    connection.writer().write(i + "\n");
                }
                connection.writer().drain().block(); // on a thread without a loop
            }));
            connection.writer().writeEof();
            String all = text(await(Asyncio.toThread(() -> peer.getInputStream().readAllBytes())));
            assertThat(all.lines().map(Integer::parseInt).toList())
                    .hasSize(1000)
                    .isSorted();
        });
    }
}
