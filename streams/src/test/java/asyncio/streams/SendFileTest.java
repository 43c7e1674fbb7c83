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
import io.netty.channel.embedded.EmbeddedChannel;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.net.Socket;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.DisabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.core.publisher.Sinks;
import reactor.test.util.RaceTestUtils;

/** A file has the connection to itself while it is sent. */
@ExtendWith(LeakCheck.class)
class SendFileTest extends PeerFixture {
    /** More than fits into the sockets' buffers. */
    private static final int SIZE = 30_000_000;

    private static Mono<byte[]> everything(Socket peer) {
        return toThread(() -> peer.getInputStream().readAllBytes());
    }

    private static void expectRefused(ThrowingCallable call) {
        assertThatThrownBy(call)
                .isInstanceOf(IllegalStateException.class)
                .hasMessageContaining("sendFile is in progress");
    }

    private static void expectAllRefused(StreamWriter writer, Path file) throws Exception {
        byte[] bytes = {1};
        ByteBuf buffer = ByteBufAllocator.DEFAULT.buffer().writeBytes(bytes);
        AtomicInteger taken = new AtomicInteger();
        Flux<byte[]> source = Flux.just(bytes).doOnNext(item -> taken.incrementAndGet());
        expectRefused(() -> writer.write(bytes));
        expectRefused(() -> writer.write("text"));
        expectRefused(() -> writer.write(buffer));
        assertThat(buffer.refCnt()).isZero();
        expectRefused(() -> writer.writelines(List.of(bytes)));
        expectRefused(() -> await(writer.writeFrom(source)));
        expectRefused(() -> await(writer.writeFromBuffers(Flux.never())));
        assertThat(taken).hasValue(0);
        expectRefused(() -> await(writer.sendFile(file)));
        expectRefused(writer::writeEof);
        Callable<Void> inAThread = () -> {
            writer.write(bytes);
            return null;
        };
        expectRefused(() -> await(toThread(inAThread)));
    }

    @Test
    void nothingElseIsWrittenWhileAFileIsSent(@TempDir Path directory) throws Exception {
        Path file = Files.write(directory.resolve("file"), new byte[SIZE]);
        withPeer((connection, peer) -> {
            StreamWriter writer = connection.writer();
            writer.write("before");
            Task<Long> sending = createTask(writer.sendFile(file));
            tick();
            expectAllRefused(writer, file);
            await(toThread(() -> peer.getInputStream().readNBytes(100_000)));
            expectAllRefused(writer, file);
            expectRefused(() -> await(writer.startTls(TestCertificates.client().tls)));
            Task<byte[]> receiving = createTask(everything(peer));
            assertThat(await(sending)).isEqualTo(SIZE);
            writer.write("after");
            writer.writeEof();
            byte[] rest = await(receiving);
            assertThat(rest).hasSize(6 + SIZE + 5 - 100_000);
            assertThat(new String(rest, rest.length - 5, 5, UTF_8)).isEqualTo("after");
            for (int i = 0; i < rest.length - 5; i++) {
                if (rest[i] != 0) {
                    assertThat(i).as("a byte that is not the file's").isNegative();
                }
            }
        });
    }

    @Test
    void nothingElseIsWrittenWhileAFileIsReadInPieces(@TempDir Path directory) throws Exception {
        int size = 4_000_000;
        Path file = Files.write(directory.resolve("file"), new byte[size]);
        Asyncio.run(() -> {
            Server server = await(Streams.startServerBody(
                    connection -> {
                        try (connection) {
                            Task<Long> sending = createTask(connection.writer().sendFile(file));
                            tick();
                            expectAllRefused(connection.writer(), file);
                            assertThat(await(sending)).isEqualTo(size);
                            connection.writer().write("after");
                        }
                    },
                    HOST,
                    0,
                    TestCertificates.server()));
            StreamConnection connection = await(Streams.openConnection(HOST, server.port(), TestCertificates.client()));
            assertThat(await(connection.reader().readAll())).hasSize(size + 5);
            connection.close();
            await(server.closeAndWait());
        });
    }

    @Test
    void aFileThatFailedOrWasCancelledLetsOthersWrite(@TempDir Path directory) throws Exception {
        Path file = Files.write(directory.resolve("file"), new byte[SIZE]);
        withPeer((connection, peer) -> {
            StreamWriter writer = connection.writer();
            assertThatThrownBy(() -> await(writer.sendFile(directory.resolve("none"))))
                    .isInstanceOf(NoSuchFileException.class);
            writer.write("ab");
            Task<Long> sending = createTask(writer.sendFile(file));
            await(toThread(() -> peer.getInputStream().readNBytes(100_000)));
            sending.cancel();
            assertThatThrownBy(() -> await(sending)).isInstanceOf(CancelledException.class);
            writer.write("end");
            writer.writeEof();
            byte[] rest = await(everything(peer));
            assertThat(new String(rest, rest.length - 3, 3, UTF_8)).isEqualTo("end");
        });
    }

    @Test
    void aPublisherThatIsBeingWrittenFailsWhenAFileBegins(@TempDir Path directory) throws Exception {
        Path file = Files.write(directory.resolve("file"), new byte[10]);
        withPeer((connection, peer) -> {
            StreamWriter writer = connection.writer();
            Sinks.Many<byte[]> source = Sinks.many().unicast().onBackpressureBuffer();
            Task<Void> writing = createTask(writer.writeFrom(source.asFlux()));
            source.tryEmitNext("ab".getBytes(UTF_8)).orThrow();
            tick();
            Task<Long> sending = createTask(writer.sendFile(file));
            tick();
            source.tryEmitNext("late".getBytes(UTF_8)).orThrow();
            expectRefused(() -> await(writing));
            assertThat(await(sending)).isEqualTo(10);
        });
    }

    /** A thread is about to write a piece of a cancelled file when another file has already started. */
    @Test
    void aPieceOfACancelledFileDoesNotLandInTheNext() throws Exception {
        withPeer((connection, peer) -> {
            StreamWriter writer = connection.writer();
            Object cancelled = new Object();
            Object next = new Object();
            Sinks.Many<byte[]> pieces = Sinks.many().unicast().onBackpressureBuffer();
            writer.out().beginFile(cancelled);
            Task<Void> writing = createTask(writer.writeFile(cancelled, pieces.asFlux()));
            tick();
            writer.out().endFile();
            writer.out().beginFile(next);
            for (boolean onLoop : new boolean[] {true, false}) {
                if (onLoop) {
                    pieces.tryEmitNext("late".getBytes(UTF_8)).orThrow();
                    tick();
                } else {
                    await(toThread(() -> {
                        pieces.tryEmitNext("late".getBytes(UTF_8)).orThrow();
                    }));
                }
            }
            writing.cancel();
            writer.out().endFile();
            writer.write("next");
            writer.writeEof();
            assertThat(new String(await(everything(peer)), UTF_8)).isEqualTo("next");
        });
    }

    @Test
    void eitherAFileOrTheEndIsRefusedWhenTwoThreadsBeginThem() {
        EmbeddedChannel channel = new EmbeddedChannel();
        for (int i = 0; i < 2_000; i++) {
            Outgoing out = new Outgoing(channel);
            AtomicInteger refused = new AtomicInteger();
            RaceTestUtils.race(
                    () -> {
                        try {
                            out.beginFile(out);
                        } catch (IllegalStateException e) {
                            refused.incrementAndGet();
                        }
                    },
                    () -> {
                        try {
                            out.requestEof();
                        } catch (IllegalStateException e) {
                            refused.incrementAndGet();
                        }
                    });
            assertThat(refused).hasValue(1);
        }
    }

    private static boolean isOpening() {
        return Thread.getAllStackTraces().values().stream()
                .flatMap(Arrays::stream)
                .anyMatch(frame -> frame.getClassName().startsWith(SendFile.class.getName())
                        && frame.getMethodName().equals("open"));
    }

    @Test
    @DisabledOnOs(OS.WINDOWS)
    void cancellingDoesNotWaitForAFileThatCannotBeOpened(@TempDir Path directory) throws Exception {
        Path fifo = directory.resolve("fifo");
        assertThat(new ProcessBuilder("mkfifo", fifo.toString()).start().waitFor())
                .isZero();
        AtomicBoolean givenUp = new AtomicBoolean();
        try (ReleaseLater writerEnd = new ReleaseLater(fifo, givenUp)) {
            withPeer((connection, peer) -> {
                Task<Long> sending = createTask(connection.writer().sendFile(fifo));
                while (!isOpening()) {
                    tick();
                }
                sending.cancel();
                assertThatThrownBy(() -> await(sending)).isInstanceOf(CancelledException.class);
                assertThat(givenUp).isFalse();
                connection.writer().write("end");
                writerEnd.close();
            });
        }
    }

    /** The other end of a named pipe: opened when this is closed, or after a time limit. */
    private static final class ReleaseLater implements AutoCloseable {
        private final CountDownLatch closed = new CountDownLatch(1);
        private final Thread thread;

        ReleaseLater(Path fifo, AtomicBoolean givenUp) {
            thread = new Thread(() -> {
                try {
                    givenUp.set(!closed.await(20, TimeUnit.SECONDS));
                    new RandomAccessFile(fifo.toFile(), "rw").close();
                } catch (IOException | InterruptedException e) {
                    throw new IllegalStateException(e);
                }
            });
            thread.start();
        }

        @Override
        public void close() throws InterruptedException {
            closed.countDown();
            thread.join();
        }
    }
}
