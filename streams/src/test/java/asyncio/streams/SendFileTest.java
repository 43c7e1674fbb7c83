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
import java.net.Socket;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.atomic.AtomicInteger;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.core.publisher.Sinks;

/** A file that is sent has the connection for itself. */
@ExtendWith(LeakCheck.class)
class SendFileTest extends PeerFixture {
    /** More than the sockets hold. */
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
}
