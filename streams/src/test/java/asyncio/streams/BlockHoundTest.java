package asyncio.streams;

import static asyncio.Asyncio.async;
import static asyncio.Asyncio.await;
import static asyncio.Asyncio.toThread;
import static java.nio.charset.StandardCharsets.UTF_8;

import asyncio.BlockingCalls;
import io.netty.buffer.Unpooled;
import io.netty.channel.unix.FileDescriptor;
import io.netty.util.ReferenceCounted;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.Channel;
import java.nio.channels.DatagramChannel;
import java.nio.channels.Pipe;
import java.nio.channels.ServerSocketChannel;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.UUID;
import java.util.function.BiFunction;
import java.util.function.Function;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.condition.EnabledIfSystemProperty;
import org.reactivestreams.Publisher;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/** No method that returns a Mono or a Flux blocks the loop it is called, subscribed to or cancelled on. */
@EnabledIfSystemProperty(named = "asyncio.test.blockhound", matches = "true")
class BlockHoundTest {
    private static final String HOST = "localhost"; // looked up by the operating system, which may block

    private static final TlsOptions IMPATIENT = TlsOptions.builder()
            .context(TestCertificates.jdk(null))
            .serverHostname(HOST)
            .handshakeTimeout(Duration.ofMillis(100))
            .build();
    private static final ServeOptions TLS = TestCertificates.server();
    private static final ConnectOptions TLS_CLIENT = TestCertificates.client();
    private static final Path PATH = Path.of(System.getProperty("java.io.tmpdir"), "asyncio-" + UUID.randomUUID());

    @BeforeAll
    static void install() {
        BlockingCalls.install();
    }

    /** The methods of a connection to a server that sends three lines and reads everything. */
    private static Map<String, Function<StreamConnection, Publisher<?>>> methodsOfConnections() {
        Map<String, Function<StreamConnection, Publisher<?>>> methods = new HashMap<>();
        methods.put("StreamReader.readLine()", connection -> connection.reader().readLine());
        methods.put("StreamReader.read(int)", connection -> connection.reader().read(100));
        methods.put(
                "StreamReader.readExactly(int)",
                connection -> connection.reader().readExactly(7));
        methods.put("StreamReader.readAll()", connection -> {
            connection.writer().writeEof();
            return connection.reader().readAll();
        });
        methods.put("StreamReader.lines()", connection -> {
            connection.writer().writeEof();
            return connection.reader().lines();
        });
        methods.put("StreamReader.lines(Charset)", connection -> {
            connection.writer().writeEof();
            return connection.reader().lines(UTF_8);
        });
        methods.put("StreamReader.chunks()", connection -> {
            connection.writer().writeEof();
            return connection.reader().chunks();
        });
        methods.put("StreamReader.chunks(int)", connection -> {
            connection.writer().writeEof();
            return connection.reader().chunks(2);
        });
        methods.put(
                "StreamReader.readUntil(byte[][])",
                connection -> connection.reader().readUntil(new byte[] {'\n'}));
        methods.put(
                "StreamReader.readUntil(String[])",
                connection -> connection.reader().readUntil("\n", "3"));
        methods.put(
                "StreamReader.readUntilRetained(byte[][])",
                connection -> released(connection.reader().readUntilRetained(new byte[] {'\n'})));
        methods.put(
                "StreamReader.readLineRetained()",
                connection -> released(connection.reader().readLineRetained()));
        methods.put(
                "StreamReader.readRetained(int)",
                connection -> released(connection.reader().readRetained(100)));
        methods.put(
                "StreamReader.readExactlyRetained(int)",
                connection -> released(connection.reader().readExactlyRetained(7)));
        methods.put("StreamReader.linesRetained()", connection -> {
            connection.writer().writeEof();
            return released(connection.reader().linesRetained());
        });
        methods.put("StreamReader.chunksRetained()", connection -> {
            connection.writer().writeEof();
            return released(connection.reader().chunksRetained());
        });
        methods.put("StreamReader.chunksRetained(int)", connection -> {
            connection.writer().writeEof();
            return released(connection.reader().chunksRetained(2));
        });
        methods.put(
                "StreamWriter.writeFrom(Publisher)",
                connection -> connection.writer().writeFrom(Flux.range(0, 100).map(i -> new byte[10_000])));
        methods.put(
                "StreamWriter.writeFromBuffers(Publisher)",
                connection -> connection
                        .writer()
                        .writeFromBuffers(Flux.range(0, 100).map(i -> Unpooled.copiedBuffer(new byte[10_000]))));
        methods.put(
                "StreamWriter.sendFile(Path)",
                connection -> connection.writer().sendFile(Path.of(System.getProperty("java.home"), "release")));
        methods.put(
                "StreamWriter.sendFile(Path, long, long)",
                connection -> connection.writer().sendFile(Path.of(System.getProperty("java.home"), "release"), 1, 2));
        methods.put("StreamWriter.drain()", connection -> {
            connection.writer().write(new byte[1 << 20]);
            return connection.writer().drain();
        });
        methods.put("StreamWriter.waitClosed()", connection -> {
            connection.writer().write("last words");
            connection.close();
            return connection.writer().waitClosed();
        });
        // not the real one, which the test JVM uses for its commands
        methods.put(
                "Streams.stdin()",
                connection -> new StandardInput(InputStream.nullInputStream(), StandardInput.NONE)
                        .reader(100)
                        .flatMap(StreamReader::readAll));
        methods.put(
                "Streams.stdin(int)",
                connection -> new StandardInput(InputStream.nullInputStream(), StandardInput.NONE).reader(100));
        methods.put("Streams.stdout()", connection -> Streams.stdout());
        methods.put("Streams.stderr()", connection -> Streams.stderr());
        methods.put(
                "Streams.openConnection(String, int)", connection -> Streams.openConnection(HOST, portOf(connection)));
        methods.put(
                "Streams.openConnection(String, int, int)",
                connection -> Streams.openConnection(HOST, portOf(connection), 100));
        methods.put(
                "Streams.openConnection(String, int, ConnectOptions)",
                connection -> Streams.openConnection(HOST, portOf(connection), ConnectOptions.DEFAULT));
        methods.put(
                "Transports.startTls(Transport, BaseProtocol, TlsOptions, boolean)",
                connection -> connection
                        .reader()
                        .readExactly(9)
                        .then(Mono.defer(() ->
                                Transports.startTls(connection.writer().transport(), new Nothing(), IMPATIENT, false)))
                        .onErrorComplete(ConnectionAbortedException.class));
        methods.put(
                "Transports.sendFile(Transport, Path, long, long, boolean)",
                connection -> Transports.sendFile(
                        connection.writer().transport(),
                        Path.of(System.getProperty("java.home"), "release"),
                        0,
                        10,
                        true));
        methods.put(
                "StreamWriter.startTls(TlsOptions)",
                connection -> connection
                        .reader()
                        .readExactly(9) // the server takes the handshake for text and waits: only its start is tried
                        .then(connection.writer().startTls(IMPATIENT))
                        .onErrorComplete(ConnectionAbortedException.class));
        return methods;
    }

    private static final DatagramOptions DATAGRAMS =
            DatagramOptions.builder().localAddress("127.0.0.1", 0).build();

    private static Map<String, Function<DatagramConnection, Publisher<?>>> methodsOfDatagrams() {
        Map<String, Function<DatagramConnection, Publisher<?>>> methods = new HashMap<>();
        methods.put("Datagrams.open(DatagramOptions)", socket -> Datagrams.open(DATAGRAMS));
        methods.put(
                "Transports.createDatagramEndpoint(Supplier, DatagramOptions)",
                socket -> Transports.createDatagramEndpoint(() -> new DatagramProtocol() {}, DATAGRAMS)
                        .doOnNext(Opened::close));
        methods.put(
                "DatagramConnection.send(byte[], InetSocketAddress)",
                socket -> socket.send(new byte[10], socket.localAddress()));
        methods.put(
                "DatagramConnection.send(byte[])",
                socket -> Datagrams.open(DatagramOptions.builder()
                                .remoteAddress(
                                        "127.0.0.1", socket.localAddress().getPort())
                                .build())
                        .flatMap(client -> client.send(new byte[10])));
        methods.put("DatagramConnection.receive()", socket -> {
            socket.getLoop().callLater(Duration.ofMillis(1), socket::close);
            return socket.receive();
        });
        methods.put(
                "DatagramConnection.datagrams()",
                socket -> socket.send(new byte[10], socket.localAddress())
                        .thenMany(socket.datagrams())
                        .take(1));
        methods.put("Names.getAddrInfo(String, int)", socket -> Names.getAddrInfo(HOST, 80));
        methods.put(
                "Names.getAddrInfo(String, int, ProtocolFamily, boolean, boolean)",
                socket -> Names.getAddrInfo(null, 80, null, false, true));
        methods.put(
                "Names.getNameInfo(InetSocketAddress, boolean)",
                socket -> Names.getNameInfo(socket.localAddress(), false));
        return methods;
    }

    private static Map<String, Function<SocketPair, Publisher<?>>> methodsOfSockets() {
        Path file = Path.of(System.getProperty("java.home"), "release");
        Map<String, Function<SocketPair, Publisher<?>>> methods = new HashMap<>();
        methods.put(
                "Sockets.sockRecv(SocketChannel, int)",
                pair -> Sockets.sockSendAll(pair.far(), new byte[1]).then(Sockets.sockRecv(pair.near(), 10)));
        methods.put(
                "Sockets.sockRecvInto(SocketChannel, ByteBuffer)",
                pair -> Sockets.sockSendAll(pair.far(), new byte[1])
                        .then(Sockets.sockRecvInto(pair.near(), ByteBuffer.allocate(10))));
        methods.put(
                "Sockets.sockSendAll(SocketChannel, byte[])", pair -> Sockets.sockSendAll(pair.near(), new byte[1]));
        methods.put(
                "Sockets.sockSendAll(SocketChannel, ByteBuffer)",
                pair -> Sockets.sockSendAll(pair.near(), ByteBuffer.allocate(1)));
        methods.put("Sockets.sockSendFile(SocketChannel, Path)", pair -> Sockets.sockSendFile(pair.near(), file));
        methods.put(
                "Sockets.sockSendFile(SocketChannel, Path, long, long)",
                pair -> Sockets.sockSendFile(pair.near(), file, 1, 2));
        methods.put(
                "Sockets.sockSendTo(DatagramChannel, byte[], SocketAddress)",
                pair -> withDatagrams(socket -> sendToItself(socket)));
        methods.put(
                "Sockets.sockRecvFrom(DatagramChannel, int)",
                pair -> withDatagrams(socket -> sendToItself(socket).then(Sockets.sockRecvFrom(socket, 10))));
        methods.put(
                "Sockets.sockRecvFromInto(DatagramChannel, ByteBuffer)",
                pair -> withDatagrams(socket ->
                        sendToItself(socket).then(Sockets.sockRecvFromInto(socket, ByteBuffer.allocate(10)))));
        methods.put(
                "Sockets.sockAccept(ServerSocketChannel)",
                pair -> withListener((server, port) -> Mono.using(
                        SocketPair::socket,
                        client -> Sockets.sockConnect(
                                        client, new InetSocketAddress(InetAddress.getLoopbackAddress(), port))
                                .then(Sockets.sockAccept(server))
                                .doOnNext(BlockHoundTest::close),
                        BlockHoundTest::close)));
        methods.put(
                "Sockets.sockConnect(SocketChannel, SocketAddress)",
                pair -> withListener((server, port) -> Mono.using(
                        SocketPair::socket,
                        client -> Sockets.sockConnect(client, InetSocketAddress.createUnresolved(HOST, port))
                                .onErrorComplete(IOException.class), // it may listen on the other IP version
                        BlockHoundTest::close)));
        return methods;
    }

    private static Map<String, Function<SocketPair, Publisher<?>>> methodsThatAdoptSockets() {
        TlsOptions tls = TlsOptions.builder() // here, where reading its files is allowed
                .context(TestCertificates.jdk(null))
                .handshakeTimeout(Duration.ofMillis(100))
                .build();
        Map<String, Function<SocketPair, Publisher<?>>> methods = new HashMap<>();
        methods.put(
                "Streams.openConnection(ConnectOptions)",
                pair -> Streams.openConnection(
                                ConnectOptions.builder().socket(pair.near()).build())
                        .doOnNext(StreamConnection::close));
        methods.put(
                "Transports.createConnection(Supplier, ConnectOptions)",
                pair -> Transports.createConnection(
                                Nothing::new,
                                ConnectOptions.builder().socket(pair.near()).build())
                        .doOnNext(Opened::close));
        methods.put(
                "Transports.connectAcceptedSocket(Supplier, SocketChannel)",
                pair -> Transports.connectAcceptedSocket(Nothing::new, pair.near())
                        .doOnNext(Opened::close));
        methods.put(
                "Transports.connectAcceptedSocket(Supplier, SocketChannel, TlsOptions)",
                pair -> Transports.connectAcceptedSocket(Nothing::new, pair.near(), tls)
                        .doOnNext(Opened::close)
                        .onErrorComplete(ConnectionAbortedException.class));
        return methods;
    }

    private static Mono<Integer> sendToItself(DatagramChannel socket) {
        return Mono.fromCallable(socket::getLocalAddress)
                .flatMap(address -> Sockets.sockSendTo(socket, new byte[1], address));
    }

    private static Publisher<?> withDatagrams(Function<DatagramChannel, Mono<?>> use) {
        return Mono.using(SocketPair::datagrams, use::apply, BlockHoundTest::close);
    }

    private static Publisher<?> withListener(BiFunction<ServerSocketChannel, Integer, Mono<?>> use) {
        return Mono.using(
                SocketPair::listening,
                server -> Mono.fromCallable(() -> ((InetSocketAddress) server.getLocalAddress()).getPort())
                        .flatMap(port -> use.apply(server, port)),
                BlockHoundTest::close);
    }

    private static void close(Channel channel) {
        try {
            channel.close();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static <T extends ReferenceCounted> Flux<T> released(Publisher<T> buffers) {
        return Flux.from(buffers)
                .doOnNext(ReferenceCounted::release)
                .doOnDiscard(ReferenceCounted.class, ReferenceCounted::release);
    }

    private static int portOf(StreamConnection connection) {
        return ((InetSocketAddress) connection.writer().remoteAddress()).getPort();
    }

    private static Map<String, Function<Server, Publisher<?>>> methodsOfServers() {
        Map<String, Function<Server, Publisher<?>>> methods = new HashMap<>();
        methods.put("Server.waitClosed()", server -> {
            server.close();
            return server.waitClosed();
        });
        methods.put("Server.closeAndWait()", Server::closeAndWait);
        methods.put("Server.shutdown(Duration)", server -> server.shutdown(Duration.ofSeconds(10)));
        methods.put("Clients.open(Mono)", server -> new Clients().open(Streams.openConnection(HOST, server.port())));
        methods.put(
                "Clients.use(StreamConnection, Function)",
                server -> Mono.defer(() -> {
                    Clients clients = new Clients();
                    return clients.open(Streams.openConnection(HOST, server.port()))
                            .flatMap(connection ->
                                    clients.use(connection, c -> c.writer().drain()));
                }));
        methods.put(
                "Clients.useBody(StreamConnection, BodyFunction)",
                server -> Mono.defer(() -> {
                    Clients clients = new Clients();
                    return clients.open(Streams.openConnection(HOST, server.port()))
                            .flatMap(connection -> clients.useBody(
                                    connection, c -> await(c.writer().drain())));
                }));
        methods.put(
                "Clients.shutdown(Duration)",
                server -> Mono.defer(() -> {
                    Clients clients = new Clients();
                    return clients.open(Streams.openConnection(HOST, server.port()))
                            .then(clients.shutdown(Duration.ofSeconds(10)));
                }));
        methods.put("Server.serveForever()", server -> {
            server.getLoop().callLater(Duration.ofMillis(1), server::close);
            return server.serveForever();
        });
        methods.put(
                "Streams.startServer(Function, String, int)",
                server -> Streams.startServer(client -> Mono.never(), HOST, 0));
        methods.put(
                "Streams.startServer(Function, String, int, int)",
                server -> Streams.startServer(client -> Mono.never(), null, 0, 100));
        methods.put(
                "Streams.startServerBody(ConnectionHandler, String, int)",
                server -> Streams.startServerBody(client -> {}, HOST, 0));
        methods.put(
                "Streams.startServerBody(ConnectionHandler, String, int, int)",
                server -> Streams.startServerBody(client -> {}, null, 0, 100));
        methods.put(
                "Streams.startServer(Function, String, int, ServeOptions)",
                server -> Streams.startServer(client -> Mono.never(), HOST, 0, ServeOptions.DEFAULT));
        methods.put(
                "Streams.startServerBody(ConnectionHandler, String, int, ServeOptions)",
                server -> Streams.startServerBody(client -> {}, HOST, 0, TLS)
                        .flatMap(encrypted -> Streams.openConnection(HOST, encrypted.port(), TLS_CLIENT)));
        methods.put(
                "Streams.startUnixServer(Function, Path)",
                server -> Streams.startUnixServer(client -> Mono.never(), PATH));
        methods.put(
                "Streams.startUnixServer(Function, Path, ServeOptions)",
                server -> Streams.startUnixServer(client -> Mono.never(), PATH, ServeOptions.DEFAULT));
        methods.put(
                "Streams.startUnixServerBody(ConnectionHandler, Path)",
                server -> Streams.startUnixServerBody(client -> {}, PATH).delayUntil(Server::closeAndWait));
        methods.put(
                "Streams.startUnixServerBody(ConnectionHandler, Path, ServeOptions)",
                server -> Streams.startUnixServerBody(client -> {}, PATH, ServeOptions.DEFAULT));
        methods.put(
                "Streams.openUnixConnection(Path)",
                server -> Streams.startUnixServerBody(client -> {}, PATH).then(Streams.openUnixConnection(PATH)));
        methods.put(
                "Streams.openUnixConnection(Path, ConnectOptions)",
                server -> Streams.startUnixServerBody(client -> {}, PATH)
                        .then(Streams.openUnixConnection(PATH, ConnectOptions.DEFAULT)));
        methods.put(
                "Transports.createConnection(Supplier, String, int)",
                server -> Transports.createConnection(Nothing::new, HOST, server.port()));
        methods.put(
                "Transports.createConnection(Supplier, String, int, ConnectOptions)",
                server -> Transports.createServer(Nothing::new, HOST, 0, TLS)
                        .flatMap(encrypted ->
                                Transports.createConnection(Nothing::new, HOST, encrypted.port(), TLS_CLIENT)));
        methods.put(
                "Transports.createServer(Supplier, String, int)",
                server -> Transports.createServer(Nothing::new, null, 0));
        methods.put(
                "Transports.createServer(Supplier, String, int, ServeOptions)",
                server -> Transports.createServer(Nothing::new, HOST, 0, ServeOptions.DEFAULT));
        methods.put(
                "Transports.createServer(Supplier, int, Collection, ServeOptions)",
                server -> Transports.createServer(Nothing::new, 0, List.of(HOST), ServeOptions.DEFAULT));
        methods.put(
                "Transports.createServer(Supplier, ServeOptions)",
                server -> onListener(options -> Transports.createServer(Nothing::new, options)));
        methods.put(
                "Streams.startServer(Function, int, Collection, ServeOptions)",
                server -> Streams.startServer(client -> Mono.never(), 0, List.of(HOST), ServeOptions.DEFAULT));
        methods.put(
                "Streams.startServerBody(ConnectionHandler, int, Collection, ServeOptions)",
                server -> Streams.startServerBody(client -> {}, 0, List.of(HOST), ServeOptions.DEFAULT));
        methods.put(
                "Streams.startServer(Function, ServeOptions)",
                server -> onListener(options -> Streams.startServer(client -> Mono.never(), options)));
        methods.put(
                "Streams.startServerBody(ConnectionHandler, ServeOptions)",
                server -> onListener(options -> Streams.startServerBody(client -> {}, options)
                        .flatMap(there -> Streams.openConnection(HOST, there.port()))));
        methods.put(
                "Transports.connectReadPipe(Supplier, SourceChannel)",
                server -> withPipe(pipe -> Transports.connectReadPipe(Nothing::new, pipe.source())));
        methods.put(
                "Transports.connectWritePipe(Supplier, SinkChannel)",
                server -> withPipe(pipe -> Transports.connectWritePipe(Nothing::new, pipe.sink())));
        methods.put(
                "Transports.connectReadPipe(Supplier, int)",
                server -> withDescriptors(pipe -> Transports.connectReadPipe(Nothing::new, pipe[0].intValue())));
        methods.put(
                "Transports.connectWritePipe(Supplier, int)",
                server -> withDescriptors(pipe -> Transports.connectWritePipe(Nothing::new, pipe[1].intValue())));
        methods.put(
                "Transports.createUnixServer(Supplier, Path)",
                server -> Transports.createUnixServer(Nothing::new, PATH).delayUntil(Server::closeAndWait));
        methods.put(
                "Transports.createUnixServer(Supplier, Path, ServeOptions)",
                server -> Transports.createUnixServer(Nothing::new, PATH, ServeOptions.DEFAULT));
        methods.put(
                "Transports.createUnixConnection(Supplier, Path)",
                server -> Transports.createUnixServer(Nothing::new, PATH)
                        .then(Transports.createUnixConnection(Nothing::new, PATH)));
        methods.put(
                "Transports.createUnixConnection(Supplier, Path, ConnectOptions)",
                server -> Transports.createUnixServer(Nothing::new, PATH)
                        .then(Transports.createUnixConnection(Nothing::new, PATH, ConnectOptions.DEFAULT)));
        return methods;
    }

    private static <T> Mono<T> onListener(Function<ServeOptions, Mono<T>> serve) {
        return Mono.fromCallable(SocketPair::listening)
                .flatMap(socket ->
                        serve.apply(ServeOptions.builder().socket(socket).build()));
    }

    private static Mono<Transport> withPipe(Function<Pipe, Mono<? extends Opened<Transport, ?>>> connect) {
        return Mono.fromCallable(Pipe::open)
                .flatMap(connect)
                .map(Opened::transport)
                .doOnNext(Transport::close);
    }

    private static Mono<Transport> withDescriptors(
            Function<FileDescriptor[], Mono<? extends Opened<Transport, ?>>> connect) {
        return Mono.fromCallable(FileDescriptor::pipe)
                .flatMap(connect)
                .map(Opened::transport)
                .doOnNext(Transport::close);
    }

    /** A protocol with all the defaults. */
    private static final class Nothing implements Protocol {}

    @Test
    void everyMethodIsTried() throws Exception {
        Set<String> tried = new HashSet<>(methodsOfConnections().keySet());
        tried.addAll(methodsOfServers().keySet());
        tried.addAll(methodsOfDatagrams().keySet());
        tried.addAll(methodsOfSockets().keySet());
        tried.addAll(methodsThatAdoptSockets().keySet());
        BlockingCalls.assertThatAllAreTried(Streams.class, tried);
    }

    @TestFactory
    Stream<DynamicTest> noMethodBlocks() {
        Mono<Server> server = Streams.startServerBody(
                client -> {
                    client.writer().write("1\n22\n333\n");
                    await(client.reader().readAll());
                    client.close();
                },
                HOST,
                0);
        Mono<StreamConnection> connection =
                async(() -> await(Streams.openConnection(HOST, await(server).port())));
        Stream<DynamicTest> datagrams = methodsOfDatagrams().entrySet().stream()
                .flatMap(method -> BlockingCalls.of(method.getKey(), Datagrams.open(DATAGRAMS), method.getValue()));
        Stream<DynamicTest> streams = Stream.concat(
                methodsOfConnections().entrySet().stream()
                        .flatMap(method -> BlockingCalls.of(method.getKey(), connection, method.getValue())),
                methodsOfServers().entrySet().stream()
                        .flatMap(method -> BlockingCalls.of(method.getKey(), server, method.getValue())));
        Stream<DynamicTest> sockets = Stream.of(methodsOfSockets(), methodsThatAdoptSockets())
                .flatMap(methods -> methods.entrySet().stream())
                .flatMap(method -> BlockingCalls.of(method.getKey(), toThread(SocketPair::open), method.getValue()));
        return Stream.concat(Stream.concat(datagrams, sockets), streams);
    }
}
