package asyncio.streams;

import static java.nio.charset.StandardCharsets.UTF_8;

import asyncio.EventLoop;
import asyncio.Tck;
import io.netty.buffer.ByteBufAllocator;
import io.netty.buffer.Unpooled;
import io.netty.util.ReferenceCounted;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Objects;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/** The Reactive Streams rules, applied to the publishers of readers, writers and servers. */
@ExtendWith(LeakCheck.class)
class PublisherTckTest {
    private static final String HOST = "127.0.0.1";

    private static Server sink;

    @BeforeAll
    static void startSink() {
        sink = startServer();
    }

    /** Closes the loops, and with them everything that the rules have opened and dropped. */
    @AfterAll
    static void shutdown() {
        EventLoop.shutdownShared(Duration.ofSeconds(10));
    }

    // ---- readers

    @TestFactory
    Stream<DynamicTest> readLine() {
        return Stream.of(Duration.ZERO, Duration.ofMillis(5))
                .flatMap(delay -> Tck.of(
                        "readLine, the line " + delay + " away",
                        () -> reader("line\n", delay).readLine()));
    }

    @TestFactory
    Stream<DynamicTest> readLineAtEof() {
        return Tck.ofEmpty(
                "readLine at the end of the stream",
                () -> reader("", Duration.ofMillis(5)).readLine());
    }

    @TestFactory
    Stream<DynamicTest> read() {
        return Tck.of("read", () -> reader("abc", Duration.ofMillis(5)).read(2));
    }

    @TestFactory
    Stream<DynamicTest> readExactly() {
        return Tck.of(
                "readExactly",
                () -> reader("abc".repeat(3), Duration.ofMillis(5)).readExactly(3));
    }

    @TestFactory
    Stream<DynamicTest> readAll() {
        return Tck.of("readAll", () -> reader("abc", Duration.ofMillis(5)).readAll());
    }

    @TestFactory
    Stream<DynamicTest> readUntil() {
        return Tck.of(
                "readUntil", () -> reader("a;".repeat(3), Duration.ofMillis(5)).readUntil(";"));
    }

    @TestFactory
    Stream<DynamicTest> readLineRetained() {
        return Tck.of(
                "readLineRetained",
                () -> reader("line\n", Duration.ofMillis(5)).readLineRetained().doOnNext(ReferenceCounted::release));
    }

    @TestFactory
    Stream<DynamicTest> lines() {
        return Stream.of(Duration.ZERO, Duration.ofMillis(5))
                .flatMap(delay -> Tck.ofMany(
                        "lines, " + delay + " away",
                        count -> reader("line\n".repeat((int) count), delay).lines()));
    }

    @TestFactory
    Stream<DynamicTest> linesAsText() {
        return Tck.ofMany(
                "lines as text",
                count -> reader("line\n".repeat((int) count), Duration.ZERO).lines(UTF_8));
    }

    @TestFactory
    Stream<DynamicTest> chunks() {
        return Tck.ofMany(
                "chunks",
                count -> reader("abc".repeat((int) count), Duration.ZERO).chunks(3));
    }

    @TestFactory
    Stream<DynamicTest> chunksRetained() {
        return Tck.ofMany(
                "chunksRetained",
                count -> reader("abc".repeat((int) count), Duration.ZERO)
                        .chunksRetained(3)
                        .doOnNext(ReferenceCounted::release));
    }

    /** A reader on a separate loop that is fed after a delay, after which the stream ends. */
    private static StreamReader reader(String text, Duration delay) {
        EventLoop loop = EventLoop.shared().next();
        StreamReader reader = new StreamReader(
                new Incoming(
                        loop.netty(), ByteBufAllocator.DEFAULT, StreamReader.DEFAULT_LIMIT, new StreamReader.Flow() {
                            @Override
                            public void pauseReading() {}

                            @Override
                            public void resumeReading() {}
                        }),
                null);
        Runnable feed = () -> {
            reader.incoming().feed(ByteBufAllocator.DEFAULT.buffer().writeBytes(text.getBytes(UTF_8)));
            reader.incoming().connectionLost();
        };
        loop.callSoonThreadsafe(() -> loop.callLater(delay, feed));
        return reader;
    }

    // ---- writers

    @TestFactory
    Stream<DynamicTest> drain() {
        return Stream.of(1, 1 << 20)
                .flatMap(size -> Tck.ofEmpty("drain of " + size + " bytes", () -> {
                    StreamWriter writer = connect().writer();
                    writer.write(new byte[size]);
                    return writer.drain();
                }));
    }

    @TestFactory
    Stream<DynamicTest> writeFrom() {
        return Tck.ofEmpty(
                "writeFrom",
                () -> connect().writer().writeFrom(Flux.range(0, 100).map(i -> new byte[1000])));
    }

    @TestFactory
    Stream<DynamicTest> writeFromBuffers() {
        return Tck.ofEmpty(
                "writeFromBuffers",
                () -> connect().writer().writeFromBuffers(Flux.range(0, 100).map(i -> Unpooled.buffer(1))));
    }

    @TestFactory
    Stream<DynamicTest> sendFile(@TempDir Path directory) throws IOException {
        Path file = Files.writeString(directory.resolve("file"), "text");
        // a connection for each subscriber: two files at a time are refused
        return Tck.of("sendFile", () -> Mono.defer(() -> connect().writer().sendFile(file))).toList().stream();
    }

    @TestFactory
    Stream<DynamicTest> waitClosedOfWriter() {
        return Tck.ofEmpty("waitClosed of a connection", () -> {
            StreamConnection connection = connect();
            connection.close();
            return connection.writer().waitClosed();
        });
    }

    // ---- connections and servers

    @TestFactory
    Stream<DynamicTest> openConnection() {
        return Tck.of("openConnection", () -> Streams.openConnection(HOST, sink.port()));
    }

    @TestFactory
    Stream<DynamicTest> openAsClient() {
        return Tck.of("Clients.open", () -> new Clients().open(Streams.openConnection(HOST, sink.port())));
    }

    @TestFactory
    Stream<DynamicTest> workOfClient() {
        return Tck.of("Clients.use", () -> new Clients().use(connect(), connection -> Mono.just(connection)));
    }

    @TestFactory
    Stream<DynamicTest> shutdownOfClients() {
        return Tck.of("Clients.shutdown", () -> new Clients().shutdown(Duration.ofSeconds(1)));
    }

    @TestFactory
    Stream<DynamicTest> startServerWithFunction() {
        return Tck.of("startServer", () -> Streams.startServer(client -> Mono.never(), HOST, 0));
    }

    @TestFactory
    Stream<DynamicTest> createConnection() {
        return Tck.of(
                "createConnection", () -> Transports.createConnection(() -> new Protocol() {}, HOST, sink.port()));
    }

    @TestFactory
    Stream<DynamicTest> sendFileOfATransport() {
        Path file = Path.of(System.getProperty("java.home"), "release");
        // a connection for each subscriber: two files at a time are refused
        return Tck.of(
                "sendFile of a transport",
                () -> Mono.defer(() -> Transports.sendFile(connect().writer().transport(), file, 0, 10, true)));
    }

    @TestFactory
    Stream<DynamicTest> createServer() {
        return Tck.of("createServer", () -> Transports.createServer(() -> new Protocol() {}, HOST, 0));
    }

    @TestFactory
    Stream<DynamicTest> startServerWithBody() {
        return Tck.of("startServerBody", () -> Streams.startServerBody(client -> {}, HOST, 0));
    }

    @TestFactory
    Stream<DynamicTest> waitClosedOfServer() {
        return Tck.ofEmpty("waitClosed of a server", () -> {
            Server server = startServer();
            server.close();
            return server.waitClosed();
        });
    }

    @TestFactory
    Stream<DynamicTest> shutdownOfServer() {
        return Tck.of("shutdown of a server", () -> startServer().shutdown(Duration.ofSeconds(10)));
    }

    @TestFactory
    Stream<DynamicTest> serveForever() {
        return Tck.ofEmpty("serveForever", () -> {
                    Server server = startServer();
                    server.getLoop()
                            .callSoonThreadsafe(() -> server.getLoop().callLater(Duration.ofMillis(20), server::close));
                    return server.serveForever();
                })
                .filter(rule -> !rule.getDisplayName().contains("MultiSubscribe")); // one at a time, as in asyncio
    }

    // ---- datagrams

    @TestFactory
    Stream<DynamicTest> receive() {
        return Tck.of("receive", () -> {
            DatagramConnection socket = openDatagrams();
            socket.send("text".getBytes(UTF_8), socket.localAddress()).repeat(1).blockLast();
            return socket.receive();
        });
    }

    @TestFactory
    Stream<DynamicTest> receiveAfterClose() {
        return Tck.ofEmpty("receive of a socket that is closed", () -> {
            DatagramConnection socket = openDatagrams();
            socket.close();
            return socket.receive();
        });
    }

    @TestFactory
    Stream<DynamicTest> sendDatagram() {
        return Tck.ofEmpty("send", () -> {
            DatagramConnection socket = openDatagrams();
            return socket.send(new byte[10], socket.localAddress());
        });
    }

    @TestFactory
    Stream<DynamicTest> createDatagramEndpoint() {
        return Tck.of(
                "createDatagramEndpoint",
                () -> Transports.createDatagramEndpoint(
                        () -> new DatagramProtocol() {},
                        DatagramOptions.builder().localAddress(HOST, 0).build()));
    }

    // ---- sockets

    @TestFactory
    Stream<DynamicTest> sockRecv() {
        return Stream.of("here", "late")
                .flatMap(when -> Tck.of("sockRecv, the bytes " + when, () -> {
                    SocketPair pair = openPair();
                    Mono<Void> send =
                            Sockets.sockSendAll(pair.far(), "text".repeat(1000).getBytes(UTF_8));
                    if (when.equals("here")) {
                        send.block();
                    } else {
                        send.delaySubscription(Duration.ofMillis(5)).subscribe();
                    }
                    return Sockets.sockRecv(pair.near(), 2);
                }))
                .filter(rule -> !rule.getDisplayName().contains("MultiSubscribe")); // one at a time may wait
    }

    @TestFactory
    Stream<DynamicTest> sockSendAll() {
        return Tck.ofEmpty("sockSendAll", () -> Sockets.sockSendAll(openPair().near(), new byte[10]));
    }

    private static SocketPair openPair() {
        try {
            return SocketPair.open();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static DatagramConnection openDatagrams() {
        return Objects.requireNonNull(
                Datagrams.open(DatagramOptions.builder().localAddress(HOST, 0).build())
                        .block());
    }

    private static Server startServer() {
        return Objects.requireNonNull(
                Streams.startServer(client -> client.reader().readAll(), HOST, 0)
                        .block());
    }

    private static StreamConnection connect() {
        return Objects.requireNonNull(Streams.openConnection(HOST, sink.port()).block());
    }
}
