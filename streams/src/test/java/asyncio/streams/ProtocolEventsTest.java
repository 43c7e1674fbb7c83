package asyncio.streams;

import static asyncio.Asyncio.await;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import asyncio.EventLoop;
import asyncio.ExceptionContext;
import io.netty.buffer.ByteBuf;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The events of a protocol, their order, and the effect of its return values. Compared with CPython 3.13. */
@ExtendWith(LeakCheck.class)
class ProtocolEventsTest extends ProtocolFixture {
    private final Recorder recorder = new Recorder();
    private final Notes notes = recorder.notes;

    @Test
    @DisplayName("TRN-05: every method of a protocol does nothing by default, and the end closes")
    void theDefaultsDoNothing() throws Exception {
        Protocol plain = new Protocol() {};
        withPeer(plain, (transport, peer) -> {
            plain.pauseWriting();
            plain.resumeWriting();
            send(peer, "nobody hears this");
            peer.shutdownOutput();
            assertThat(await(readAll(peer))).isEmpty(); // the transport was closed
            assertThat(transport.isClosing()).isTrue();
        });
        assertThat(reported).isEmpty();
    }

    @Test
    @DisplayName("TRN-06, TRN-09, TRN-10: made, data, end, lost; false for the end closes")
    void madeDataEndLost() throws Exception {
        withPeer(recorder, (transport, peer) -> {
            assertThat(notes.events).containsExactly("made");
            assertThat(notes.transport).isSameAs(transport);
            send(peer, "hi");
            peer.shutdownOutput();
            notes.until("lost");
            assertThat(notes.events).containsExactly("made", "data", "eof", "lost");
            assertThat(notes.data).hasToString("hi");
            assertThat(notes.cause).isNull();
            assertThat(transport.isClosing()).isTrue();
            assertThat(peer.getInputStream().read()).isEqualTo(-1);
        });
        assertThat(reported).isEmpty();
    }

    @Test
    @DisplayName("TRN-11: true for the end keeps the write side open")
    void theWriteSideOutlivesTheEnd() throws Exception {
        recorder.keepOpen = true;
        withPeer(recorder, (transport, peer) -> {
            send(peer, "question");
            peer.shutdownOutput();
            notes.until("eof");
            tick();
            assertThat(transport.isClosing()).isFalse();
            transport.write("answer".getBytes(UTF_8));
            transport.close();
            assertThat(new String(await(readAll(peer)), UTF_8)).isEqualTo("answer");
            notes.until("lost");
            assertThat(notes.events).containsExactly("made", "data", "eof", "lost");
            assertThat(notes.cause).isNull();
        });
    }

    @Test
    @DisplayName("TRN-07: pausing and resuming twice is pausing and resuming; what comes meanwhile waits")
    void pausedDataWaits() throws Exception {
        withPeer(recorder, (transport, peer) -> {
            assertThat(transport.isReading()).isTrue();
            transport.pauseReading();
            transport.pauseReading();
            assertThat(transport.isReading()).isFalse();
            send(peer, "waits");
            for (int i = 0; i < 100; i++) {
                tick();
            }
            assertThat(notes.events).containsExactly("made");
            transport.resumeReading();
            assertThat(notes.events).containsExactly("made"); // not on this stack
            transport.resumeReading();
            assertThat(transport.isReading()).isTrue();
            notes.untilData(5);
            transport.close();
            assertThat(transport.isReading()).isFalse();
            transport.pauseReading();
            transport.resumeReading();
            assertThat(transport.isReading()).isFalse();
            notes.until("lost");
        });
    }

    @Test
    @DisplayName("TRN-08: a pause in connectionMade holds all data back")
    void aPauseInConnectionMade() throws Exception {
        Recorder paused = new Recorder() {
            @Override
            public void connectionMade(Transport transport) {
                super.connectionMade(transport);
                transport.pauseReading();
            }
        };
        withPeer(paused, (transport, peer) -> {
            send(peer, "early");
            for (int i = 0; i < 100; i++) {
                tick();
            }
            assertThat(paused.notes.events).containsExactly("made");
            transport.resumeReading();
            paused.notes.untilData(5);
        });
    }

    @Test
    void anEndWhilePausedComesBehindTheDataWhenReadingResumes() throws Exception {
        withPeer(recorder, (transport, peer) -> {
            transport.pauseReading();
            send(peer, "data");
            peer.shutdownOutput();
            for (int i = 0; i < 100; i++) {
                tick();
            }
            assertThat(notes.events).containsExactly("made");
            transport.resumeReading();
            notes.until("lost");
            assertThat(notes.events).containsExactly("made", "data", "eof", "lost");
            assertThat(notes.data).hasToString("data");
        });
    }

    @Test
    void aResetWhilePausedLosesNoData() throws Exception {
        withPeer(recorder, (transport, peer) -> {
            transport.pauseReading();
            send(peer, "data");
            reset(peer);
            for (int i = 0; i < 100; i++) {
                tick();
            }
            assertThat(notes.events).containsExactly("made");
            transport.resumeReading();
            notes.until("lost");
            assertThat(notes.events).containsExactly("made", "data", "lost");
            assertThat(notes.data).hasToString("data");
            assertThat(notes.cause).isInstanceOf(ConnectionResetException.class);
        });
        assertThat(reported).isEmpty();
    }

    @ParameterizedTest
    @ValueSource(strings = {"close", "abort", "write"})
    void aResetIsToldToOneWhoIsPausedAndDoesNotWantTheData(String action) throws Exception {
        withPeer(recorder, (transport, peer) -> {
            transport.pauseReading();
            send(peer, "data");
            reset(peer);
            for (int i = 0; i < 100; i++) {
                tick();
            }
            assertThat(notes.events).containsExactly("made");
            switch (action) {
                case "close" -> transport.close();
                case "abort" -> transport.abort();
                default -> {
                    while (!notes.events.contains("lost")) {
                        transport.write(new byte[1]);
                        tick();
                    }
                }
            }
            notes.until("lost");
            assertThat(notes.events).containsExactly("made", "lost");
        });
    }

    @Test
    @DisplayName("TRN-14, TRN-27: a reset is the cause of the loss, and nobody's error")
    void aResetIsTheCause() throws Exception {
        withPeer(recorder, (transport, peer) -> {
            reset(peer);
            notes.until("lost");
            assertThat(notes.events).containsExactly("made", "lost");
            assertThat(notes.cause).isInstanceOf(ConnectionResetException.class);
        });
        assertThat(reported).isEmpty();
    }

    @Test
    @DisplayName("TRN-26: closing twice loses the connection once")
    void closingTwice() throws Exception {
        withPeer(recorder, (transport, peer) -> {
            transport.close();
            transport.close();
            assertThat(notes.events).containsExactly("made"); // not on this stack
            notes.until("lost");
            transport.abort();
            tick();
            assertThat(notes.events).containsExactly("made", "lost");
            assertThat(notes.cause).isNull();
            assertThat(peer.getInputStream().read()).isEqualTo(-1);
        });
    }

    @Test
    @DisplayName("TRN-25: abort drops what is buffered and tells of the loss in a later turn, once")
    void abortDropsWhatIsBuffered() throws Exception {
        withPeer(recorder, (transport, peer) -> {
            transport.write(new byte[20_000_000]);
            assertThat(transport.getWriteBufferSize()).isPositive();
            transport.abort();
            transport.abort();
            assertThat(transport.isClosing()).isTrue();
            assertThat(notes.events).containsExactly("made", "pause");
            notes.until("lost");
            assertThat(notes.events).containsExactly("made", "pause", "lost");
            assertThat(notes.cause).isNull();
            assertThat(transport.getWriteBufferSize()).isZero();
            // unlike in CPython the peer cannot take the received part for the whole stream
            assertThatThrownBy(() -> await(readAll(peer))).isInstanceOf(IOException.class);
        });
    }

    @Test
    @DisplayName("TRN-24: close sends what is buffered first, and reads nothing more")
    void closeSendsWhatIsBuffered() throws Exception {
        withPeer(recorder, (transport, peer) -> {
            transport.setWriteBufferLimits(1000, 100);
            transport.write(new byte[10_000_000]);
            transport.write(new byte[100]);
            transport.close();
            assertThat(transport.isReading()).isFalse();
            assertThat(await(readAll(peer))).hasSize(10_000_100);
            notes.until("lost");
            assertThat(notes.events).containsExactly("made", "pause", "resume", "lost");
            assertThat(notes.cause).isNull();
        });
    }

    @Test
    void nothingIsToldAfterACloseInTheMiddleOfTheData() throws Exception {
        Recorder closing = new Recorder() {
            @Override
            public void dataReceived(byte[] data) {
                super.dataReceived(data);
                notes.transport.close();
            }
        };
        withPeer(closing, (transport, peer) -> {
            send(peer, "x".repeat(200_000));
            peer.shutdownOutput();
            closing.notes.until("lost");
            assertThat(closing.notes.events).containsExactly("made", "data", "lost");
            assertThat(closing.notes.cause).isNull();
        });
    }

    @Test
    void closingInConnectionMadeLosesTheConnection() throws Exception {
        Recorder closing = new Recorder() {
            @Override
            public void connectionMade(Transport transport) {
                super.connectionMade(transport);
                transport.close();
            }
        };
        withPeer(closing, (transport, peer) -> {
            assertThat(transport.isClosing()).isTrue();
            closing.notes.until("lost");
            assertThat(closing.notes.events).containsExactly("made", "lost");
        });
    }

    // ---- errors of the protocol

    private void expectFatal(String method, Recorder broken, List<String> events) throws Exception {
        withPeer(broken, (transport, peer) -> {
            if (!broken.notes.events.contains("lost")) {
                try {
                    send(peer, "hi");
                    peer.shutdownOutput();
                } catch (IOException e) {
                    // aborted meanwhile
                }
                broken.notes.until("lost");
            }
            assertThat(broken.notes.events).isEqualTo(events);
            assertThat(broken.notes.cause).isInstanceOf(ArithmeticException.class);
            ExceptionContext report = reported.get(0);
            assertThat(report.message()).isEqualTo("Fatal error: protocol." + method + "() call failed.");
            assertThat(report.exception()).isSameAs(broken.notes.cause);
            assertThat(report.protocol()).isSameAs(broken);
            assertThat(report.transport()).isSameAs(transport);
            assertThatThrownBy(() -> await(readAll(peer))).isInstanceOf(IOException.class); // aborted
        });
        assertThat(reported).hasSize(1);
    }

    @Test
    @DisplayName("TRN-15: what dataReceived throws aborts the connection, which is lost of it")
    void anErrorOfDataReceived() throws Exception {
        expectFatal(
                "dataReceived",
                new Recorder() {
                    @Override
                    public void dataReceived(byte[] data) {
                        super.dataReceived(data);
                        throw new ArithmeticException("broken");
                    }
                },
                List.of("made", "data", "lost"));
    }

    @Test
    @DisplayName("TRN-15: what eofReceived throws aborts the connection, which is lost of it")
    void anErrorOfEofReceived() throws Exception {
        expectFatal(
                "eofReceived",
                new Recorder() {
                    @Override
                    public boolean eofReceived() {
                        super.eofReceived();
                        throw new ArithmeticException("broken");
                    }
                },
                List.of("made", "data", "eof", "lost"));
    }

    @Test
    void anErrorOfConnectionMadeAbortsTheConnection() throws Exception {
        expectFatal(
                "connectionMade",
                new Recorder() {
                    @Override
                    public void connectionMade(Transport transport) {
                        super.connectionMade(transport);
                        throw new ArithmeticException("broken");
                    }
                },
                List.of("made", "lost"));
    }

    @Test
    void anErrorOfConnectionLostIsReported() throws Exception {
        Recorder broken = new Recorder() {
            @Override
            public void connectionLost(@Nullable Throwable cause) {
                super.connectionLost(cause);
                throw new ArithmeticException("broken");
            }
        };
        withPeer(broken, (transport, peer) -> {
            transport.close();
            broken.notes.until("lost");
            tick();
        });
        assertThat(messages()).containsExactly("Fatal error: protocol.connectionLost() call failed.");
        assertThat(broken.notes.events).containsExactly("made", "lost");
    }

    @Test
    void buffersOfARetainedProtocolAreItsOwn() throws Exception {
        List<ByteBuf> kept = new ArrayList<>();
        Recorder retaining = new Recorder() {
            @Override
            public void dataReceivedRetained(ByteBuf data) {
                kept.add(data);
                notes.note("data");
            }
        };
        withPeer(retaining, (transport, peer) -> {
            send(peer, "ping");
            retaining.notes.until("data");
            ByteBuf data = kept.get(0);
            assertThat(data.refCnt()).isOne();
            transport.write(data);
            assertThat(read(peer, 4)).isEqualTo("ping");
        });
    }

    @Test
    @DisplayName("TRN-31: another protocol hears what comes from then on, and is not told of the transport")
    void theProtocolMayBeChanged() throws Exception {
        BufferedRecorder other = new BufferedRecorder(3);
        withPeer(recorder, (transport, peer) -> {
            assertThat(transport.getProtocol()).isSameAs(recorder);
            transport.setProtocol(other);
            assertThat(transport.getProtocol()).isSameAs(other);
            send(peer, "hello");
            other.notes.untilData(5);
            assertThat(other.notes.data).hasToString("hello");
            assertThat(other.hints).containsOnly(-1);
            transport.setProtocol(recorder);
            send(peer, "again");
            notes.untilData(5);
            transport.close();
            notes.until("lost");
            assertThat(other.notes.events).containsExactly("data");
            assertThat(notes.events).containsExactly("made", "data", "lost");
            assertThatThrownBy(() -> transport.setProtocol(new BaseProtocol<Transport>() {}))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessageContaining("Protocol or a BufferedProtocol");
        });
    }

    @Test
    void aChangeInTheMiddleOfABufferGivesTheRestToTheOther() throws Exception {
        BufferedRecorder first = new BufferedRecorder(2) {
            @Override
            public void bufferUpdated(int n) {
                super.bufferUpdated(n);
                notes.transport.setProtocol(recorder);
            }
        };
        withPeer(first, (transport, peer) -> {
            send(peer, "hello");
            notes.untilData(3);
            assertThat(first.notes.data).hasToString("he");
            assertThat(notes.data).hasToString("llo");
        });
    }

    @Test
    void aPauseInTheMiddleOfABufferKeepsTheRest() throws Exception {
        BufferedRecorder pausing = new BufferedRecorder(2) {
            @Override
            public void bufferUpdated(int n) {
                super.bufferUpdated(n);
                notes.transport.pauseReading();
            }
        };
        withPeer(pausing, (transport, peer) -> {
            send(peer, "hello");
            peer.shutdownOutput();
            for (int expected : new int[] {2, 4, 5}) {
                pausing.notes.untilData(expected);
                for (int i = 0; i < 20; i++) {
                    tick();
                }
                assertThat(pausing.notes.data).hasSize(expected);
                transport.resumeReading();
            }
            pausing.notes.until("lost");
            assertThat(pausing.notes.events).containsExactly("made", "data", "eof", "lost");
        });
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 4, 100})
    @DisplayName("TRN-33: five bytes through buffers of any size come in their order")
    void buffersOfAnySize(int size) throws Exception {
        BufferedRecorder buffered = new BufferedRecorder(size);
        withPeer(buffered, (transport, peer) -> {
            send(peer, "12345");
            buffered.notes.untilData(5);
            assertThat(buffered.notes.data).hasToString("12345");
        });
    }

    @Test
    @DisplayName("TRN-30, TRN-33: an empty buffer is a fatal error")
    void anEmptyBufferIsFatal() throws Exception {
        BufferedRecorder empty = new BufferedRecorder(0);
        withPeer(empty, (transport, peer) -> {
            send(peer, "x");
            empty.notes.until("lost");
            assertThat(empty.notes.cause).hasMessageContaining("getBuffer() returned an empty buffer");
        });
        assertThat(reported).hasSize(1);
        assertThat(reported.get(0).protocol()).isSameAs(empty);
    }

    @Test
    @DisplayName("TRN-32: nine kilobytes come through buffers of a hundred bytes, and are answered")
    void ninetyBuffers() throws Exception {
        BufferedRecorder echo = new BufferedRecorder(100) {
            @Override
            public void bufferUpdated(int n) {
                super.bufferUpdated(n);
                notes.transport.write(java.util.Arrays.copyOf(buffer.array(), n));
            }
        };
        withPeer(echo, (transport, peer) -> {
            String all = "0123456789".repeat(900);
            send(peer, all);
            assertThat(read(peer, 9000)).isEqualTo(all);
            peer.shutdownOutput();
            echo.notes.until("lost");
            assertThat(echo.notes.events).containsExactly("made", "data", "eof", "lost");
        });
    }

    @Test
    void allIsToldOnTheLoop() throws Exception {
        List<EventLoop> loops = new ArrayList<>();
        Recorder asking = new Recorder() {
            @Override
            public void dataReceived(byte[] data) {
                loops.add(EventLoop.getRunningLoop());
                super.dataReceived(data);
            }
        };
        withPeer(asking, (transport, peer) -> {
            send(peer, "x");
            asking.notes.until("data");
            assertThat(loops).containsExactly(transport.getLoop()).containsExactly(EventLoop.getRunningLoop());
        });
    }
}
