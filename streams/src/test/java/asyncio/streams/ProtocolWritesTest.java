package asyncio.streams;

import static asyncio.Asyncio.await;
import static asyncio.Asyncio.toThread;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import asyncio.LogCapture;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.Channel;
import java.io.ByteArrayOutputStream;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.util.List;
import java.util.logging.Level;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/** The writes of a transport, and how it paces its protocol. Compared with CPython 3.13. */
@ExtendWith(LeakCheck.class)
class ProtocolWritesTest extends ProtocolFixture {
    /** Far more than fits into the buffers of two sockets. */
    private static final int BIG = 20_000_000;

    private final Recorder recorder = new Recorder();
    private final Notes notes = recorder.notes;

    @Test
    @DisplayName("TRN-16, TRN-17, TRN-18: what is written goes out in its order; nothing is nothing")
    void inItsOrder() throws Exception {
        withPeer(recorder, (transport, peer) -> {
            transport.write(new byte[0]);
            transport.write(Unpooled.EMPTY_BUFFER);
            transport.writelines(List.of());
            assertThat(transport.getWriteBufferSize()).isZero();
            transport.write("a".getBytes(UTF_8));
            transport.write(Unpooled.copiedBuffer("b", UTF_8));
            transport.writelines(List.of("c".getBytes(UTF_8), "d".getBytes(UTF_8)));
            assertThat(transport.getWriteBufferSize()).isEqualTo(4);
            assertThat(read(peer, 4)).isEqualTo("abcd");
            assertThat(transport.getWriteBufferSize()).isZero();
            assertThat(notes.events).containsExactly("made");
        });
    }

    @Test
    @DisplayName("TRN-19, TRN-20: the rest of a partial write is sent when the peer takes it")
    void partialWrites() throws Exception {
        withPeer(recorder, (transport, peer) -> {
            byte[] all = new byte[BIG];
            for (int i = 0; i < BIG; i++) {
                all[i] = (byte) (i * 31);
            }
            transport.writelines(
                    List.of(java.util.Arrays.copyOf(all, 1000), java.util.Arrays.copyOfRange(all, 1000, BIG - 1)));
            transport.write(new byte[] {all[BIG - 1]});
            assertThat(transport.getWriteBufferSize()).isBetween(1, BIG);
            byte[] came = await(toThread(() -> peer.getInputStream().readNBytes(BIG)));
            assertThat(came).isEqualTo(all);
            notes.until("resume");
            assertThat(notes.events).containsExactly("made", "pause", "resume");
        });
    }

    @Test
    @DisplayName("TRN-01: getExtraInfo gives what is known, null or the default for what is not")
    void extraInfo() throws Exception {
        withPeer(recorder, (transport, peer) -> {
            assertThat(transport.getExtraInfo("sockname")).isEqualTo(new InetSocketAddress(HOST, peer.getPort()));
            assertThat(transport.getExtraInfo("peername")).isEqualTo(new InetSocketAddress(HOST, peer.getLocalPort()));
            assertThat(transport.getExtraInfo("socket")).isInstanceOf(Channel.class);
            assertThat(transport.getExtraInfo("nothing")).isNull();
            assertThat(transport.getExtraInfo("nothing", 5)).isEqualTo(5);
            for (String ofTls : List.of("sslcontext", "ssl_object", "peercert", "cipher", "compression")) {
                assertThat(transport.getExtraInfo(ofTls, "none")).isEqualTo("none");
            }
            assertThatThrownBy(() -> transport.getExtraInfo(null)).isInstanceOf(NullPointerException.class);
            transport.close();
            notes.until("lost");
            assertThat(transport.getExtraInfo("peername")).isEqualTo(new InetSocketAddress(HOST, peer.getLocalPort()));
        });
    }

    /** Fills the sockets' buffers, so that further writes stay in the transport. */
    private static void fill(Transport transport) throws Exception {
        transport.setWriteBufferLimits(Integer.MAX_VALUE, 0);
        transport.write(new byte[BIG]);
        tick();
        assertThat(transport.getWriteBufferSize()).isPositive();
    }

    @Test
    @DisplayName("TRN-02: limits work at once on what is buffered; low above high is refused")
    void limitsWorkAtOnce() throws Exception {
        withPeer(recorder, (transport, peer) -> {
            fill(transport);
            int size = transport.getWriteBufferSize();
            transport.setWriteBufferLimits(2 * size, 10);
            assertThat(transport.getWriteBufferLimits()).isEqualTo(new WriteBufferLimits(10, 2 * size));
            assertThat(notes.events).containsExactly("made");
            transport.setWriteBufferLimits(size / 2, 10);
            assertThat(notes.events).containsExactly("made", "pause");
            transport.setWriteBufferLimits(size / 3, 10);
            assertThat(notes.events).containsExactly("made", "pause");
            assertThatThrownBy(() -> transport.setWriteBufferLimits(1, 2))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessage("high (1) must be >= low (2) must be >= 0");
            assertThatThrownBy(() -> transport.setWriteBufferLimits(1, -1))
                    .isInstanceOf(IllegalArgumentException.class);
            assertThat(await(toThread(() -> peer.getInputStream().readNBytes(BIG))))
                    .hasSize(BIG);
            notes.until("resume");
            assertThat(notes.events).containsExactly("made", "pause", "resume");
        });
    }

    @Test
    @DisplayName("TRN-03: 64 KiB and a quarter of it; high alone or low alone gives the other; 0 pauses on any byte")
    void defaultLimits() throws Exception {
        withPeer(recorder, (transport, peer) -> {
            assertThat(transport.getWriteBufferLimits()).isEqualTo(new WriteBufferLimits(16384, 65536));
            transport.setWriteBufferLimits(4000);
            assertThat(transport.getWriteBufferLimits()).isEqualTo(new WriteBufferLimits(1000, 4000));
            transport.setWriteBufferLimits(WriteBufferLimits.ofLow(100));
            assertThat(transport.getWriteBufferLimits()).isEqualTo(new WriteBufferLimits(100, 400));
            transport.setWriteBufferLimits(WriteBufferLimits.DEFAULT);
            assertThat(transport.getWriteBufferLimits()).isEqualTo(new WriteBufferLimits(16384, 65536));
            transport.setWriteBufferLimits(0);
            assertThat(transport.getWriteBufferLimits()).isEqualTo(new WriteBufferLimits(0, 0));
            transport.write("the socket takes this".getBytes(UTF_8));
            tick();
            assertThat(notes.events).containsExactly("made");
            fill(transport);
            transport.setWriteBufferLimits(0);
            assertThat(notes.events).containsExactly("made", "pause");
        });
    }

    @Test
    @DisplayName("TRN-04: paused above high, resumed at low, strictly in turns")
    void inTurns() throws Exception {
        withPeer(recorder, 4096, (transport, peer) -> {
            transport.setWriteBufferLimits(100_000, 10_000);
            int written = 0;
            for (int turn = 0; turn < 5; turn++) {
                int pauses = turn + 1;
                while (notes.events.size() < 2 * pauses) { // in one tick of the loop
                    transport.write(new byte[10_000]);
                    written += 10_000;
                }
                assertThat(notes.events).endsWith("pause");
                assertThat(transport.getWriteBufferSize()).isGreaterThan(100_000 - 10_000);
                transport.write(new byte[1]);
                written++;
                int taken = written;
                await(toThread(() -> peer.getInputStream().readNBytes(taken)));
                written = 0;
                notes.until(() -> notes.events.size() == 1 + 2 * pauses);
                assertThat(notes.events).endsWith("resume");
            }
            assertThat(String.join(" ", notes.events)).isEqualTo("made" + " pause resume".repeat(5));
        });
    }

    @Test
    @DisplayName("TRN-04: an error of pauseWriting or resumeWriting is reported, and the transport goes on")
    void errorsOfThePaceAreReported() throws Exception {
        Recorder broken = new Recorder() {
            @Override
            public void pauseWriting() {
                super.pauseWriting();
                throw new ArithmeticException("no pause");
            }

            @Override
            public void resumeWriting() {
                super.resumeWriting();
                throw new ArithmeticException("no more");
            }
        };
        withPeer(broken, (transport, peer) -> {
            transport.write(new byte[BIG]);
            transport.write("end".getBytes(UTF_8));
            assertThat(await(toThread(() -> peer.getInputStream().readNBytes(BIG + 3))))
                    .hasSize(BIG + 3);
            broken.notes.until("resume");
            transport.close();
            broken.notes.until("lost");
            assertThat(broken.notes.events).containsExactly("made", "pause", "resume", "lost");
            assertThat(broken.notes.cause).isNull();
        });
        assertThat(messages()).containsExactly("protocol.pauseWriting() failed", "protocol.resumeWriting() failed");
        assertThat(reported).allSatisfy(report -> {
            assertThat(report.protocol()).isSameAs(broken);
            assertThat(report.transport()).isNotNull();
        });
    }

    @Test
    @DisplayName("TRN-28: the end is written once, behind what is buffered; a write after it is an error")
    void writeEof() throws Exception {
        withPeer(recorder, (transport, peer) -> {
            assertThat(transport.canWriteEof()).isTrue();
            transport.write(new byte[BIG]);
            transport.writeEof();
            transport.writeEof();
            assertThatThrownBy(() -> transport.write(new byte[1]))
                    .isInstanceOf(IllegalStateException.class)
                    .hasMessageContaining("after writeEof()");
            ByteBuf buffer = Unpooled.buffer(1).writeByte(1);
            assertThatThrownBy(() -> transport.write(buffer)).isInstanceOf(IllegalStateException.class);
            assertThat(buffer.refCnt()).isZero();
            assertThatThrownBy(() -> transport.writelines(List.of(new byte[1])))
                    .isInstanceOf(IllegalStateException.class);
            assertThat(await(readAll(peer))).hasSize(BIG);
            send(peer, "more"); // the other half is still open
            notes.untilData(4);
            peer.close();
            notes.until("lost");
            assertThat(notes.events).startsWith("made", "pause", "resume").endsWith("data", "eof", "lost");
        });
    }

    @Test
    @DisplayName("TRN-23, TRN-21: a write after close is dropped; the fifth is a warning, once")
    void writesAfterCloseAreDropped() throws Exception {
        withPeer(recorder, (transport, peer) -> {
            try (LogCapture log = new LogCapture()) {
                transport.close();
                for (int i = 0; i < 4; i++) {
                    transport.write(new byte[1]);
                }
                notes.until("lost");
                assertThat(log.records()).isEmpty();
                ByteBuf buffer = Unpooled.buffer(1).writeByte(1);
                transport.write(buffer);
                assertThat(buffer.refCnt()).isZero();
                for (int i = 0; i < 20; i++) {
                    transport.write(new byte[1]);
                    transport.writelines(List.of(new byte[1]));
                }
                assertThat(log.records()).hasSize(1).allSatisfy(warning -> {
                    assertThat(warning.getLevel()).isEqualTo(Level.WARNING);
                    assertThat(warning.getMessage()).startsWith("5 writes to <Transport ");
                });
            }
            assertThat(await(readAll(peer))).isEmpty();
            assertThat(notes.events).containsExactly("made", "lost");
        });
        assertThat(reported).isEmpty();
    }

    @Test
    @DisplayName("TRN-21: the first write that fails loses the connection of it")
    void aWriteToAPeerThatIsGone() throws Exception {
        Recorder keeping = new Recorder();
        keeping.keepOpen = true;
        withPeer(keeping, (transport, peer) -> {
            peer.close(); // in order, so that only a write finds out
            keeping.notes.until("eof");
            while (!keeping.notes.events.contains("lost")) {
                transport.write(new byte[1]);
                tick();
            }
            assertThat(keeping.notes.cause)
                    .satisfiesAnyOf(
                            cause -> assertThat(cause).isInstanceOf(BrokenPipeException.class),
                            cause -> assertThat(cause).isInstanceOf(ConnectionResetException.class));
            assertThat(keeping.notes.events).containsExactly("made", "eof", "lost");
        });
        assertThat(reported).isEmpty();
    }

    @Test
    void anyThreadMayWritePauseAndClose() throws Exception {
        withPeer(recorder, (transport, peer) -> {
            ByteArrayOutputStream sent = new ByteArrayOutputStream();
            await(toThread(() -> {
                for (int i = 0; i < 2000; i++) {
                    byte[] piece = (i + ";").getBytes(UTF_8);
                    sent.writeBytes(piece);
                    transport.write(piece);
                }
                transport.pauseReading();
                transport.write(new byte[BIG]);
                transport.setWriteBufferLimits(1000);
                return null;
            }));
            notes.until("pause");
            assertThat(transport.isReading()).isFalse();
            assertThat(read(peer, sent.size())).isEqualTo(sent.toString(UTF_8));
            await(toThread(() -> {
                assertThat(transport.getWriteBufferSize()).isPositive();
                transport.close();
                assertThat(peer.getInputStream().readAllBytes()).hasSize(BIG);
                return null;
            }));
            notes.until("lost");
        });
    }

    @Test
    void aProtocolThatWritesWhenItResumesIsNotCalledByRecursion() throws Exception {
        class Endless extends Recorder {
            boolean paused;
            boolean inside;
            boolean nested;
            long written;

            void pump() {
                nested |= inside;
                inside = true;
                while (!paused && written < 50_000_000) {
                    notes.transport.write(new byte[50_000]);
                    written += 50_000;
                }
                inside = false;
            }

            @Override
            public void connectionMade(Transport transport) {
                super.connectionMade(transport);
                transport.setWriteBufferLimits(0);
                pump();
            }

            @Override
            public void pauseWriting() {
                assertThat(paused).isFalse();
                paused = true;
            }

            @Override
            public void resumeWriting() {
                assertThat(paused).isTrue();
                paused = false;
                pump();
            }
        }

        Endless endless = new Endless();
        withPeer(endless, (transport, peer) -> {
            int size = await(toThread(() -> peer.getInputStream().readNBytes(50_000_000).length));
            assertThat(size).isEqualTo(50_000_000);
            assertThat(endless.nested).isFalse();
        });
        assertThat(reported).isEmpty();
    }

    @Test
    void openTransportsKeepNothingOfASocketThatIsGone() throws Exception {
        withPeer(recorder, (transport, peer) -> {
            try (Socket gone = peer) {
                reset(gone);
            }
            notes.until("lost");
            assertThat(transport.getExtraInfo("socket")).isNull();
            assertThat(transport.getWriteBufferSize()).isZero();
            assertThat(transport.toString())
                    .startsWith("<Transport /127.0.0.1:")
                    .endsWith(" closed>");
        });
    }
}
