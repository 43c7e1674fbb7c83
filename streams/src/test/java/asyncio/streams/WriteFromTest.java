package asyncio.streams;

import static asyncio.Asyncio.await;
import static asyncio.Asyncio.createTask;
import static asyncio.Asyncio.toThread;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import asyncio.Asyncio;
import asyncio.CancelledException;
import asyncio.Task;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufAllocator;
import io.netty.buffer.ByteBufUtil;
import io.netty.channel.embedded.EmbeddedChannel;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.net.Socket;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.core.scheduler.Schedulers;
import reactor.test.publisher.TestPublisher;

/** Writing from publishers, buffers and files. */
@ExtendWith(LeakCheck.class)
class WriteFromTest extends PeerFixture {
    private static ByteBuf buffer(String text) {
        return ByteBufAllocator.DEFAULT.buffer().writeBytes(text.getBytes(UTF_8));
    }

    private static Mono<byte[]> everything(Socket peer) {
        return toThread(() -> peer.getInputStream().readAllBytes());
    }

    // ---- buffers and lists

    @Test
    void aBufferThatIsWrittenIsTheWriters() throws Exception {
        withPeer((connection, peer) -> {
            ByteBuf kept = buffer("kept ");
            connection.writer().write(kept.retain());
            connection.writer().write(buffer("given "));
            await(toThread(() -> connection.writer().write(buffer("from a thread"))));
            connection.writer().write(ByteBufAllocator.DEFAULT.buffer());
            connection.writer().writeEof();
            ByteBuf late = buffer("late");
            assertThatThrownBy(() -> connection.writer().write(late)).isInstanceOf(IllegalStateException.class);
            assertThat(late.refCnt()).isZero();
            assertThat(text(await(everything(peer)))).isEqualTo("kept given from a thread");
            assertThat(kept.refCnt()).isOne();
            kept.release();
        });
        withPeer((connection, peer) -> {
            connection.close();
            ByteBuf dropped = buffer("dropped");
            connection.writer().write(dropped);
            assertThat(dropped.refCnt()).isZero();
        });
    }

    @Test
    void linesAreWrittenInOneGo() throws Exception {
        withPeer((connection, peer) -> {
            StreamWriter writer = connection.writer();
            List<byte[]> lines = List.of("ab".getBytes(UTF_8), new byte[0], "cd\n".getBytes(UTF_8));
            Mono<Void> four = toThread(() -> {
                for (int i = 0; i < 1000; i++) {
                    writer.writelines(lines);
                }
            });
            await(Mono.when(four, four));
            writer.writeEof();
            assertThat(text(await(everything(peer)))).isEqualTo("abcd\n".repeat(2000));
            assertThatThrownBy(() -> writer.writelines(lines)).isInstanceOf(IllegalStateException.class);
        });
    }

    // ---- publishers

    @Test
    void aSourceIsAskedAsThePeerTakes() throws Exception {
        withPeer((connection, peer) -> {
            int items = 2000;
            AtomicInteger given = new AtomicInteger();
            Task<Void> writing = createTask(connection
                    .writer()
                    .writeFrom(Flux.range(0, items).map(i -> {
                        given.incrementAndGet();
                        byte[] item = new byte[10_000];
                        Arrays.fill(item, i.byteValue());
                        return item;
                    })));
            await(Flux.interval(Duration.ofMillis(20))
                    .map(tick -> given.get())
                    .buffer(5, 1)
                    .filter(last -> last.get(0) > 0 && last.get(0).equals(last.get(4)))
                    .next()); // the source is stalled
            assertThat(given.get()).isLessThan(items);
            assertThat(writing.done()).isFalse();
            byte[] all = await(toThread(() -> peer.getInputStream().readNBytes(items * 10_000)));
            for (int i = 0; i < items; i++) {
                assertThat(all[i * 10_000]).isEqualTo((byte) i);
                assertThat(all[i * 10_000 + 9_999]).isEqualTo((byte) i);
            }
            await(writing);
        });
    }

    @Test
    void aSourceOfAnotherThreadKeepsItsOrder() throws Exception {
        withPeer((connection, peer) -> {
            Mono<byte[]> received = everything(peer);
            await(connection
                    .writer()
                    .writeFromBuffers(Flux.range(0, 100_000)
                            .publishOn(Schedulers.parallel())
                            .map(i -> buffer(i + "\n"))));
            connection.writer().writeEof();
            assertThat(text(await(received)).lines().map(Integer::parseInt).toList())
                    .hasSize(100_000)
                    .isSorted();
        });
    }

    @Test
    void aSourcesErrorComesOutAndTheConnectionStays() throws Exception {
        withPeer((connection, peer) -> {
            assertThatThrownBy(() -> await(connection
                            .writer()
                            .writeFrom(Flux.concat(
                                    Flux.just("sent".getBytes(UTF_8)),
                                    Flux.error(new IllegalArgumentException("no more"))))))
                    .hasMessage("no more");
            assertThat(connection.writer().isClosing()).isFalse();
            connection.writer().writeEof();
            assertThat(text(await(everything(peer)))).isEqualTo("sent");
        });
    }

    @Test
    void cancellingCancelsTheSourceAndReleasesWhatStillComes() throws Exception {
        withPeer((connection, peer) -> {
            TestPublisher<ByteBuf> source =
                    TestPublisher.createNoncompliant(TestPublisher.Violation.CLEANUP_ON_TERMINATE);
            AtomicLong requested = new AtomicLong();
            Task<Void> writing = createTask(
                    connection.writer().writeFromBuffers(source.flux().doOnRequest(requested::addAndGet)));
            tick();
            source.assertSubscribers(1);
            assertThat(requested).hasValue(1);
            source.next(buffer("first"));
            writing.cancel();
            assertThatThrownBy(() -> await(writing)).isInstanceOf(CancelledException.class);
            source.assertCancelled();
            ByteBuf late = buffer("late");
            source.next(late);
            assertThat(late.refCnt()).isZero();
            connection.writer().writeEof();
            assertThat(text(await(everything(peer)))).isEqualTo("first");
        });
    }

    @Test
    void aConnectionThatEndsCancelsASilentSource() throws Exception {
        withPeer((connection, peer) -> {
            AtomicBoolean cancelled = new AtomicBoolean();
            Task<Void> writing = createTask(
                    connection.writer().writeFrom(Flux.<byte[]>never().doOnCancel(() -> cancelled.set(true))));
            tick();
            peer.setSoLinger(true, 0);
            peer.close();
            assertThatThrownBy(() -> await(writing)).isInstanceOf(IOException.class);
            assertThat(cancelled).isTrue();
            assertThatThrownBy(() -> await(connection.writer().writeFrom(Flux.just(new byte[1]))))
                    .isInstanceOf(IOException.class);
        });
    }

    @Test
    void closingOurselvesEndsItToo() throws Exception {
        withPeer((connection, peer) -> {
            Task<Void> writing = createTask(connection.writer().writeFrom(Flux.never()));
            tick();
            connection.close();
            assertThatThrownBy(() -> await(writing)).isInstanceOf(ConnectionResetException.class);
        });
    }

    @Test
    void nothingIsWrittenAfterTheEnd() throws Exception {
        withPeer((connection, peer) -> {
            connection.writer().writeEof();
            ByteBuf late = buffer("late");
            assertThatThrownBy(() -> await(connection.writer().writeFromBuffers(Mono.just(late))))
                    .isInstanceOf(IllegalStateException.class)
                    .hasMessageContaining("writeEof");
            assertThat(late.refCnt()).isZero();
        });
    }

    @Test
    void oneConnectionIsPumpedIntoAnother() throws Exception {
        withPeer((connection, peer) -> {
            byte[] sent = new byte[3_000_000];
            new Random(7).nextBytes(sent);
            Mono<Void> sending = toThread(() -> {
                peer.getOutputStream().write(sent);
                peer.shutdownOutput();
            });
            Mono<Void> pumping = connection
                    .writer()
                    .writeFromBuffers(connection.reader().chunksRetained())
                    .then(Mono.fromRunnable(connection.writer()::writeEof));
            byte[] back = await(Mono.zip(everything(peer), sending.thenReturn(1), pumping.thenReturn(1))
                    .map(all -> all.getT1()));
            assertThat(back).isEqualTo(sent);
        });
    }

    // ---- files

    @Test
    void aFileIsSentInItsPlace(@TempDir Path directory) throws Exception {
        byte[] bytes = new byte[3_500_000];
        new Random(5).nextBytes(bytes);
        Path file = Files.write(directory.resolve("file"), bytes);
        withPeer((connection, peer) -> {
            StreamWriter writer = connection.writer();
            Mono<byte[]> received = everything(peer);
            Task<byte[]> receiving = createTask(received);
            writer.write("head");
            assertThat(await(writer.sendFile(file))).isEqualTo(bytes.length);
            writer.write("middle");
            assertThat(await(writer.sendFile(file, 1000, 5))).isEqualTo(5);
            assertThat(await(writer.sendFile(file, bytes.length - 7, 100))).isEqualTo(7);
            assertThat(await(writer.sendFile(file, bytes.length + 1L, 100))).isZero();
            assertThat(await(writer.sendFile(file, 0, 0))).isZero();
            writer.writeEof();
            ByteArrayOutputStream expected = new ByteArrayOutputStream();
            expected.writeBytes("head".getBytes(UTF_8));
            expected.writeBytes(bytes);
            expected.writeBytes("middle".getBytes(UTF_8));
            expected.write(bytes, 1000, 5);
            expected.write(bytes, bytes.length - 7, 7);
            assertThat(await(receiving)).isEqualTo(expected.toByteArray());
        });
    }

    @Test
    void aFileThatCannotBeSentIsNamed(@TempDir Path directory) throws Exception {
        withPeer((connection, peer) -> {
            StreamWriter writer = connection.writer();
            assertThatThrownBy(() -> await(writer.sendFile(directory.resolve("none"))))
                    .isInstanceOf(NoSuchFileException.class);
            assertThatThrownBy(() -> writer.sendFile(directory, -1, 0))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessageContaining("offset (-1)");
            Path file = Files.writeString(directory.resolve("file"), "text");
            connection.close();
            assertThatThrownBy(() -> await(writer.sendFile(file))).isInstanceOf(ConnectionResetException.class);
        });
    }

    @Test
    void aFileWhosePeerGoesFails(@TempDir Path directory) throws Exception {
        Path file = Files.write(directory.resolve("file"), new byte[50_000_000]);
        withPeer((connection, peer) -> {
            Task<Long> sending = createTask(connection.writer().sendFile(file));
            await(toThread(() -> peer.getInputStream().readNBytes(100_000)));
            peer.setSoLinger(true, 0);
            peer.close();
            assertThatThrownBy(() -> await(sending))
                    .isInstanceOf(IOException.class)
                    .satisfies(error -> expectFailure(connection, error));
        });
        withPeer((connection, peer) -> {
            Task<Long> sending = createTask(connection.writer().sendFile(file));
            await(toThread(() -> peer.getInputStream().readNBytes(100_000)));
            connection.writer().abort();
            assertThatThrownBy(() -> await(sending)).isInstanceOf(ConnectionResetException.class);
        });
    }

    @Test
    void aFileIsSentOverTls(@TempDir Path directory) throws Exception {
        byte[] bytes = new byte[3_500_000];
        new Random(5).nextBytes(bytes);
        Path file = Files.write(directory.resolve("file"), bytes);
        Asyncio.run(() -> {
            Server server = await(Streams.startServerBody(
                    connection -> {
                        try (connection) {
                            connection.writer().write("head");
                            assertThat(connection.handler().sendsRegions()).isFalse();
                            assertThat(await(connection.writer().sendFile(file, 1, Long.MAX_VALUE)))
                                    .isEqualTo(bytes.length - 1);
                            connection.writer().write("tail");
                        }
                    },
                    HOST,
                    0,
                    TestCertificates.server()));
            StreamConnection connection = await(Streams.openConnection(HOST, server.port(), TestCertificates.client()));
            ByteArrayOutputStream expected = new ByteArrayOutputStream();
            expected.writeBytes("head".getBytes(UTF_8));
            expected.write(bytes, 1, bytes.length - 1);
            expected.writeBytes("tail".getBytes(UTF_8));
            assertThat(await(connection.reader().readAll())).isEqualTo(expected.toByteArray());
            connection.close();
            await(server.closeAndWait());
        });
    }

    /** All operations fail with the error that broke the connection. */
    private static void expectFailure(StreamConnection connection, Throwable error) {
        assertThat(error).hasMessageMatching(".*([Rr]eset|[Bb]roken).*").hasMessageNotContaining("Connection lost");
        for (Mono<Void> other :
                List.of(connection.writer().waitClosed(), connection.writer().drain())) {
            assertThatThrownBy(() -> await(other)).hasMessage(error.getMessage());
        }
    }

    @Test
    void aPublisherWhosePeerGoesFails() throws Exception {
        withPeer((connection, peer) -> {
            Task<Void> writing = createTask(connection.writer().writeFrom(Mono.just(new byte[50_000_000])));
            await(toThread(() -> peer.getInputStream().readNBytes(100_000)));
            peer.setSoLinger(true, 0);
            peer.close();
            assertThatThrownBy(() -> await(writing))
                    .isInstanceOf(IOException.class)
                    .satisfies(error -> expectFailure(connection, error));
        });
    }

    @Test
    void aCancelledFileStopsAndLeavesTheConnection(@TempDir Path directory) throws Exception {
        Path file = Files.write(directory.resolve("file"), new byte[50_000_000]);
        withPeer((connection, peer) -> {
            Task<Long> sending = createTask(connection.writer().sendFile(file));
            await(toThread(() -> peer.getInputStream().readNBytes(100_000)));
            sending.cancel();
            assertThatThrownBy(() -> await(sending)).isInstanceOf(CancelledException.class);
            connection.writer().write("end");
            connection.writer().writeEof();
            byte[] rest = await(everything(peer));
            assertThat(rest.length).isLessThan(50_000_000 - 100_000);
            assertThat(new String(rest, rest.length - 3, 3, UTF_8)).isEqualTo("end");
        });
    }

    @Test
    void whereTheTransportCannotSendFilesTheyAreReadInPieces(@TempDir Path directory) throws Exception {
        byte[] bytes = new byte[300_000];
        new Random(5).nextBytes(bytes);
        Path file = Files.write(directory.resolve("file"), bytes);
        EmbeddedChannel channel = new EmbeddedChannel();
        StreamHandler handler = new StreamHandler(channel, 100, "its limit");
        channel.pipeline().addLast(handler);
        assertThat(handler.sendsRegions()).isFalse();
        StreamWriter writer = handler.connection().writer();
        // far from its limits, since this channel only sends on request
        writer.setWriteBufferLimits(1 << 20);
        Mono<Long> sending = writer.sendFile(file, 1, 250_000);
        assertThat(sending.block(Duration.ofSeconds(20))).isEqualTo(250_000);
        ByteArrayOutputStream sent = new ByteArrayOutputStream();
        for (ByteBuf out; (out = channel.readOutbound()) != null; out.release()) {
            sent.writeBytes(ByteBufUtil.getBytes(out));
        }
        assertThat(sent.toByteArray()).isEqualTo(Arrays.copyOfRange(bytes, 1, 250_001));
        channel.finishAndReleaseAll();
    }
}
