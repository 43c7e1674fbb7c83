package asyncio.streams;

import static asyncio.Asyncio.await;
import static asyncio.Asyncio.toThread;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import asyncio.Asyncio;
import asyncio.Body;
import asyncio.EventLoop;
import asyncio.streams.internal.PipeEnd;
import io.netty.channel.epoll.Epoll;
import io.netty.channel.unix.FileDescriptor;
import io.netty.channel.unix.Socket;
import java.io.BufferedInputStream;
import java.io.File;
import java.io.FileInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.RandomAccessFile;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.nio.ByteBuffer;
import java.nio.channels.Channels;
import java.nio.channels.Pipe;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.function.BooleanSupplier;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import reactor.core.publisher.Mono;

/** Transports over pipes, of channels on every loop and of descriptors on epoll. */
@Timeout(60)
class PipeTransportsTest extends ProtocolFixture {
    /** How a pipe of the test comes to its transport. */
    enum Kind {
        CHANNEL,
        DESCRIPTOR,
        /** One that blocks, as those have that a process inherits. */
        BLOCKING_DESCRIPTOR
    }

    /** A pipe, one end of which is a transport's, and the other the test's. */
    private interface Ends extends AutoCloseable {
        <P extends BaseProtocol<Transport>> Mono<Opened<Transport, P>> read(P protocol);

        <P extends BaseProtocol<Transport>> Mono<Opened<Transport, P>> write(P protocol);

        OutputStream output();

        InputStream input();

        @Override
        void close() throws IOException;
    }

    private static Ends open(Kind kind) throws IOException {
        if (kind == Kind.CHANNEL) {
            return new OfChannels(Pipe.open());
        }
        assumeTrue(
                Epoll.isAvailable()
                        && EventLoop.getRunningLoop().netty().isIoType(io.netty.channel.epoll.EpollIoHandler.class),
                "the loop is not on epoll");
        return kind == Kind.DESCRIPTOR ? new OfDescriptors() : new OfFifo();
    }

    private record OfChannels(Pipe pipe) implements Ends {
        @Override
        public <P extends BaseProtocol<Transport>> Mono<Opened<Transport, P>> read(P protocol) {
            return Transports.connectReadPipe(() -> protocol, pipe.source());
        }

        @Override
        public <P extends BaseProtocol<Transport>> Mono<Opened<Transport, P>> write(P protocol) {
            return Transports.connectWritePipe(() -> protocol, pipe.sink());
        }

        @Override
        public OutputStream output() {
            return Channels.newOutputStream(pipe.sink());
        }

        @Override
        public InputStream input() {
            return Channels.newInputStream(pipe.source());
        }

        @Override
        public void close() throws IOException {
            pipe.source().close();
            pipe.sink().close();
        }
    }

    /** Of Netty's, which do not block. */
    private static final class OfDescriptors implements Ends {
        private final FileDescriptor[] pipe = FileDescriptor.pipe();

        OfDescriptors() throws IOException {}

        @Override
        public <P extends BaseProtocol<Transport>> Mono<Opened<Transport, P>> read(P protocol) {
            return Transports.connectReadPipe(() -> protocol, pipe[0].intValue());
        }

        @Override
        public <P extends BaseProtocol<Transport>> Mono<Opened<Transport, P>> write(P protocol) {
            return Transports.connectWritePipe(() -> protocol, pipe[1].intValue());
        }

        @Override
        public OutputStream output() {
            return new OutputStream() {
                @Override
                public void write(int one) throws IOException {
                    write(new byte[] {(byte) one}, 0, 1);
                }

                @Override
                public void write(byte[] data, int offset, int length) throws IOException {
                    ByteBuffer direct = ByteBuffer.allocateDirect(length).put(data, offset, length);
                    for (int sent = 0; sent < length; ) {
                        sent += Math.max(0, pipe[1].write(direct, sent, length));
                    }
                }

                @Override
                public void close() throws IOException {
                    pipe[1].close();
                }
            };
        }

        @Override
        public InputStream input() {
            return new InputStream() {
                @Override
                public int read() throws IOException {
                    byte[] one = new byte[1];
                    return read(one, 0, 1) < 0 ? -1 : one[0] & 0xff;
                }

                @Override
                public int read(byte[] data, int offset, int length) throws IOException {
                    if (length == 0) {
                        return 0; // where the descriptor would tell its end
                    }
                    ByteBuffer direct = ByteBuffer.allocateDirect(length);
                    int n;
                    do {
                        n = pipe[0].read(direct, 0, length);
                    } while (n == 0);
                    if (n > 0) {
                        direct.get(0, data, offset, n);
                    }
                    return n;
                }

                @Override
                public void close() throws IOException {
                    pipe[0].close();
                }
            };
        }

        /** The numbers of ends that transports have closed may be others' by now. */
        @Override
        public void close() {}
    }

    /** A FIFO, whose number is looked for in /proc. */
    private static final class OfFifo implements Ends {
        private final Path directory = Files.createTempDirectory("asyncio-pipes");
        private final Path path = directory.resolve("fifo");
        private final RandomAccessFile both;

        OfFifo() throws IOException {
            try {
                assertThat(new ProcessBuilder("mkfifo", path.toString()).start().waitFor())
                        .isZero();
            } catch (InterruptedException e) {
                throw new IOException(e);
            }
            both = new RandomAccessFile(path.toFile(), "rw"); // so that neither end waits for the other one
        }

        @Override
        public <P extends BaseProtocol<Transport>> Mono<Opened<Transport, P>> read(P protocol) {
            try {
                int number = number(path, () -> new FileInputStream(path.toFile()));
                both.close(); // the other end is the test's, from output()
                return Transports.connectReadPipe(() -> protocol, number);
            } catch (IOException e) {
                return Mono.error(e);
            }
        }

        @Override
        public <P extends BaseProtocol<Transport>> Mono<Opened<Transport, P>> write(P protocol) {
            try {
                int number = number(path, () -> new java.io.FileOutputStream(path.toFile()));
                both.close();
                return Transports.connectWritePipe(() -> protocol, number);
            } catch (IOException e) {
                return Mono.error(e);
            }
        }

        @Override
        public OutputStream output() {
            try {
                return new java.io.FileOutputStream(path.toFile());
            } catch (IOException e) {
                throw new IllegalStateException(e);
            }
        }

        @Override
        public InputStream input() {
            try {
                return new BufferedInputStream(new FileInputStream(path.toFile())); // which has no position
            } catch (IOException e) {
                throw new IllegalStateException(e);
            }
        }

        @Override
        public void close() throws IOException {
            Files.deleteIfExists(path);
            Files.deleteIfExists(directory);
        }
    }

    private static final List<AutoCloseable> KEPT = new java.util.ArrayList<>();

    interface Opening {
        AutoCloseable open() throws IOException;
    }

    /** Opens a path and gives its number away: the stream is not closed, and reachable as long as the JVM lives. */
    static int number(Path path, Opening opening) throws IOException {
        Set<Integer> before = numbers(path);
        KEPT.add(opening.open());
        Set<Integer> after = numbers(path);
        after.removeAll(before);
        return after.iterator().next();
    }

    private static Set<Integer> numbers(Path path) throws IOException {
        Set<Integer> numbers = new HashSet<>();
        try (Stream<Path> all = Files.list(Path.of("/proc/self/fd"))) {
            all.filter(link -> leadsTo(link, path))
                    .forEach(link ->
                            numbers.add(Integer.parseInt(link.getFileName().toString())));
        }
        return numbers;
    }

    @AfterEach
    void nothingWasReported() {
        assertThat(messages()).isEmpty();
    }

    private void run(Body body) throws Exception {
        Asyncio.run(() -> {
            EventLoop.getRunningLoop().setExceptionHandler((loop, what) -> reported.add(what));
            body.run();
        });
    }

    @ParameterizedTest
    @EnumSource
    @DisplayName("PIP-01: what is written arrives; the end of the writer is eofReceived, then connectionLost")
    void whatIsWrittenArrives(Kind kind) throws Exception {
        run(() -> {
            try (Ends ends = open(kind)) {
                OutputStream output = ends.output();
                Recorder protocol = new Recorder();
                Transport transport = await(ends.read(protocol)).transport();
                assertThat(transport.getExtraInfo("pipe")).isNotNull();
                assertThat(transport.getExtraInfo("socket")).isNull();
                output.write("1".getBytes(UTF_8));
                protocol.notes.untilData(1);
                output.write("2345".getBytes(UTF_8));
                protocol.notes.untilData(5);
                output.close();
                protocol.notes.until("lost");
                assertThat(protocol.notes.data.toString()).isEqualTo("12345");
                assertThat(protocol.notes.events).containsExactly("made", "data", "eof", "lost");
                assertThat(protocol.notes.cause).isNull();
                assertThat(transport.isClosing()).isTrue();
            }
        });
    }

    @ParameterizedTest
    @EnumSource
    @DisplayName("PIP-03, PIP-04: pausing and closing twice does nothing more, nor does either after a close")
    void pausingAndClosingTwice(Kind kind) throws Exception {
        run(() -> {
            try (Ends ends = open(kind)) {
                OutputStream output = ends.output();
                Recorder protocol = new Recorder();
                Transport transport = await(ends.read(protocol)).transport();
                transport.pauseReading();
                transport.pauseReading();
                assertThat(transport.isReading()).isFalse();
                output.write("held".getBytes(UTF_8));
                await(Asyncio.sleep(java.time.Duration.ofMillis(20)));
                assertThat(protocol.notes.data.toString()).isEmpty();
                transport.resumeReading();
                transport.resumeReading();
                protocol.notes.untilData(4);
                transport.close();
                transport.close();
                transport.pauseReading();
                transport.resumeReading();
                protocol.notes.until("lost");
                assertThat(protocol.notes.events).containsExactly("made", "data", "lost");
                output.close();
            }
        });
    }

    @ParameterizedTest
    @EnumSource
    @DisplayName("PIP-05, PIP-08, PIP-13: a megabyte goes out in order under pause and resume; close sends it first")
    void aMegabyteGoesOutInOrder(Kind kind) throws Exception {
        run(() -> {
            try (Ends ends = open(kind)) {
                InputStream input = ends.input();
                Recorder protocol = new Recorder();
                Transport transport = await(ends.write(protocol)).transport();
                byte[] all = new byte[1 << 20];
                for (int i = 0; i < all.length; i++) {
                    all[i] = (byte) (i * 31 + (i >> 8));
                }
                for (int at = 0; at < all.length; at += 1 << 16) {
                    transport.write(Arrays.copyOfRange(all, at, at + (1 << 16)));
                }
                assertThat(transport.getWriteBufferSize()).isPositive();
                transport.close();
                assertThat(await(toThread(input::readAllBytes))).isEqualTo(all);
                protocol.notes.until("lost");
                assertThat(protocol.notes.events).containsExactly("made", "pause", "resume", "lost");
                assertThat(protocol.notes.cause).isNull();
                input.close();
            }
        });
    }

    @ParameterizedTest
    @EnumSource(mode = EnumSource.Mode.EXCLUDE, names = "CHANNEL")
    @DisplayName("PIP-06: that the reader has gone is noticed without a write")
    void thatTheReaderHasGoneIsNoticedWithoutAWrite(Kind kind) throws Exception {
        run(() -> {
            try (Ends ends = open(kind)) {
                InputStream input = ends.input();
                Recorder protocol = new Recorder();
                Transport transport = await(ends.write(protocol)).transport();
                transport.write("1".getBytes(UTF_8));
                int first = await(toThread(() -> input.read()));
                assertThat(first).isEqualTo('1');
                input.close();
                protocol.notes.until("lost");
                assertThat(transport.isClosing()).isTrue();
                assertThat(protocol.notes.events).containsExactly("made", "lost");
                assertThat(protocol.notes.cause).isNull();
            }
        });
    }

    @ParameterizedTest
    @EnumSource
    @DisplayName(
            "PIP-06, PIP-09, PIP-10: with bytes in the buffer it is a broken pipe, which is not logged; later writes are dropped")
    void aBrokenPipe(Kind kind) throws Exception {
        run(() -> {
            try (Ends ends = open(kind)) {
                InputStream input = ends.input();
                Recorder protocol = new Recorder();
                Transport transport = await(ends.write(protocol)).transport();
                transport.write(new byte[1 << 20]);
                input.close();
                protocol.notes.until("lost");
                assertThat(protocol.notes.cause).isInstanceOf(BrokenPipeException.class);
                for (int i = 0; i < 6; i++) {
                    transport.write(new byte[1]);
                }
                assertThat(protocol.notes.events).containsExactly("made", "pause", "lost");
            }
        });
    }

    @ParameterizedTest
    @EnumSource
    @DisplayName("PIP-11: writeEof closes, when what is buffered has gone out")
    void writeEofCloses(Kind kind) throws Exception {
        run(() -> {
            try (Ends ends = open(kind)) {
                InputStream input = ends.input();
                Recorder protocol = new Recorder();
                Transport transport = await(ends.write(protocol)).transport();
                assertThat(transport.canWriteEof()).isTrue();
                transport.write(new byte[200_000]);
                transport.writeEof();
                assertThat(await(toThread(input::readAllBytes))).hasSize(200_000);
                protocol.notes.until("lost");
                assertThat(protocol.notes.cause).isNull();
                input.close();
            }
        });
    }

    @ParameterizedTest
    @EnumSource
    @DisplayName("PIP-12: abort drops the buffer, and connectionLost has no cause")
    void abortDropsTheBuffer(Kind kind) throws Exception {
        run(() -> {
            try (Ends ends = open(kind)) {
                InputStream input = ends.input();
                Recorder protocol = new Recorder();
                Transport transport = await(ends.write(protocol)).transport();
                transport.write(new byte[1 << 20]);
                transport.abort();
                protocol.notes.until("lost");
                assertThat(protocol.notes.cause).isNull();
                assertThat(await(toThread(input::readAllBytes)).length).isLessThan(1 << 20);
                input.close();
            }
        });
    }

    @ParameterizedTest
    @EnumSource
    @DisplayName("SFL-09: the other half is refused, and sendFile in both")
    void theOtherHalfIsRefused(Kind kind, @TempDir Path directory) throws Exception {
        Path file = Files.writeString(directory.resolve("file"), "hello");
        run(() -> {
            try (Ends ends = open(kind)) {
                OutputStream output = ends.output();
                Transport reads = await(ends.read(new Recorder())).transport();
                for (Runnable refused : List.<Runnable>of(
                        () -> reads.write(new byte[1]),
                        () -> reads.writelines(List.of(new byte[1])),
                        reads::writeEof,
                        reads::canWriteEof,
                        reads::getWriteBufferSize,
                        reads::getWriteBufferLimits,
                        () -> reads.setWriteBufferLimits(10))) {
                    assertThatThrownBy(refused::run)
                            .isInstanceOf(UnsupportedOperationException.class)
                            .hasMessageContaining("is the reading end of a pipe, and has no ");
                }
                assertThat(reads.isReading()).isTrue();
                assertThatSendFileIsRefused(reads, file);
                reads.close();
                output.close();
            }
            try (Ends ends = open(kind)) {
                InputStream input = ends.input();
                Transport writes = await(ends.write(new Recorder())).transport();
                assertThatThrownBy(writes::pauseReading).isInstanceOf(UnsupportedOperationException.class);
                assertThatThrownBy(writes::resumeReading).isInstanceOf(UnsupportedOperationException.class);
                assertThatThrownBy(writes::isReading)
                        .isInstanceOf(UnsupportedOperationException.class)
                        .hasMessageContaining("is the writing end of a pipe, and has no isReading()");
                assertThat(writes.canWriteEof()).isTrue();
                assertThatSendFileIsRefused(writes, file);
                writes.close();
                input.close();
            }
        });
    }

    private static void assertThatSendFileIsRefused(Transport transport, Path file) {
        for (boolean fallback : new boolean[] {true, false}) {
            assertThatThrownBy(() -> await(Transports.sendFile(transport, file, 0, 5, fallback)))
                    .isInstanceOf(UnsupportedOperationException.class)
                    .isNotInstanceOf(SendfileNotAvailableException.class)
                    .hasMessageContaining("is an end of a pipe, for which there is no sendFile");
        }
    }

    @Test
    @DisplayName("PIP-02: a failed read is reported, and the cause of connectionLost")
    void aFailedReadIsReported() throws Exception {
        run(() -> {
            assumeTrue(PipeEnd.hasEpoll(EventLoop.getRunningLoop()), "the loop is not on epoll");
            try (ServerSocket listener = new ServerSocket(0, 1, InetAddress.getByName(HOST))) {
                Socket socket = Socket.newSocketStream(); // of which a read fails when the peer resets it
                if (!socket.connect(new InetSocketAddress(HOST, listener.getLocalPort()))) {
                    while (!socket.finishConnect()) {
                        Thread.onSpinWait();
                    }
                }
                Recorder protocol = new Recorder();
                await(Transports.connectReadPipe(() -> protocol, socket.intValue()));
                reset(listener.accept());
                protocol.notes.until("lost");
                assertThat(protocol.notes.events).containsExactly("made", "lost");
                assertThat(protocol.notes.cause).isInstanceOf(ConnectionResetException.class);
                assertThat(messages()).containsExactly("Fatal read error on pipe transport");
                assertThat(reported.get(0).exception()).isSameAs(protocol.notes.cause);
                assertThat(reported.get(0).protocol()).isSameAs(protocol);
                reported.clear();
            }
        });
    }

    /** Its byte is taken between the poll that finds it and the read. */
    @Test
    @DisplayName("TRN-12: a pipe that was ready, and has nothing when it is read, is ignored")
    void aPipeThatHasNothingAfterAllIsIgnored() throws Exception {
        run(() -> {
            Pipe pipe = Pipe.open();
            try (Ends ends = new OfChannels(pipe)) {
                OutputStream output = ends.output();
                Recorder protocol = new Recorder();
                await(ends.read(protocol));
                int[] taken = {0};
                output.write('1');
                EventLoop.getRunningLoop().callSoon(() -> {
                    try {
                        taken[0] = pipe.source().read(ByteBuffer.allocate(10));
                    } catch (IOException e) {
                        throw new IllegalStateException(e);
                    }
                });
                for (int i = 0; i < 10; i++) {
                    tick();
                }
                assertThat(taken).containsExactly(1);
                assertThat(protocol.notes.events).containsExactly("made");
                output.write('2');
                protocol.notes.untilData(1);
                output.close();
                protocol.notes.until("lost");
                assertThat(protocol.notes.data).hasToString("2");
                assertThat(protocol.notes.events).containsExactly("made", "data", "eof", "lost");
            }
        });
    }

    /** Where it is a number, that may be another file's after the close. */
    @ParameterizedTest
    @EnumSource
    void thePipeIsKnownUntilItIsClosed(Kind kind) throws Exception {
        run(() -> {
            try (Ends ends = open(kind)) {
                OutputStream output = ends.output();
                Recorder protocol = new Recorder();
                Transport transport = await(ends.read(protocol)).transport();
                assertThat(transport.getExtraInfo("pipe"))
                        .isInstanceOf(kind == Kind.CHANNEL ? Pipe.SourceChannel.class : Integer.class);
                transport.close();
                protocol.notes.until("lost");
                assertThat(transport.getExtraInfo("pipe")).isNull();
                output.close();
            }
        });
    }

    @Test
    void aFileIsRefusedAndLeftAlone(@TempDir Path directory) throws Exception {
        Path file = Files.writeString(directory.resolve("file"), "hello");
        run(() -> {
            assumeTrue(PipeEnd.hasEpoll(EventLoop.getRunningLoop()), "the loop is not on epoll");
            try (FileInputStream in = new FileInputStream(file.toFile());
                    Stream<Path> all = Files.list(Path.of("/proc/self/fd"))) {
                int number = all.filter(Files::isSymbolicLink)
                        .filter(link -> leadsTo(link, file))
                        .mapToInt(link -> Integer.parseInt(link.getFileName().toString()))
                        .findFirst()
                        .orElseThrow();
                assertThatThrownBy(() -> await(Transports.connectReadPipe(Recorder::new, number)))
                        .isInstanceOf(IllegalArgumentException.class)
                        .hasMessageContaining("a transport is for pipes, sockets and character devices");
                assertThat(in.read()).isEqualTo('h');
            }
            assertThatThrownBy(() -> await(Transports.connectWritePipe(Recorder::new, 999_999)))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessageContaining("not open");
        });
    }

    /** /dev/null is a character device, but epoll does not take it. */
    @Test
    void aDeviceThatEpollRefusesIsLeftAlone() throws Exception {
        Path device = Path.of("/dev/null");
        run(() -> {
            assumeTrue(PipeEnd.hasEpoll(EventLoop.getRunningLoop()), "the loop is not on epoll");
            try (FileInputStream in = new FileInputStream(device.toFile());
                    Stream<Path> all = Files.list(Path.of("/proc/self/fd"))) {
                int number = all.filter(Files::isSymbolicLink)
                        .filter(link -> leadsTo(link, device))
                        .mapToInt(link -> Integer.parseInt(link.getFileName().toString()))
                        .max() // the first three may lead there, too
                        .orElseThrow();
                assertThatThrownBy(() -> await(Transports.connectReadPipe(Recorder::new, number)))
                        .isInstanceOf(IllegalArgumentException.class)
                        .hasMessageContaining("Descriptor " + number + " cannot be watched");
                assertThat(in.read()).isEqualTo(-1);
            }
        });
    }

    private static boolean leadsTo(Path link, Path file) {
        try {
            return Files.readSymbolicLink(link).equals(file.toRealPath());
        } catch (IOException e) {
            return false;
        }
    }

    @Test
    void aDescriptorHasOneTransport() throws Exception {
        run(() -> {
            try (Ends ends = open(Kind.DESCRIPTOR)) {
                OutputStream output = ends.output();
                Recorder protocol = new Recorder();
                Transport transport = await(ends.read(protocol)).transport();
                assertThatThrownBy(() -> await(ends.read(new Recorder())))
                        .isInstanceOf(IllegalStateException.class)
                        .hasMessageContaining("used by a transport");
                int number = (Integer) Objects.requireNonNull(transport.getExtraInfo("pipe"));
                assertThatThrownBy(() -> EventLoop.getRunningLoop().addReader(number, () -> {}))
                        .isInstanceOf(IllegalStateException.class);
                output.write('1');
                protocol.notes.untilData(1);
                transport.close();
                output.close();
            }
        });
    }

    @Test
    void onNioADescriptorIsRefused() throws Exception {
        EventLoop nio = EventLoop.builder().transport("nio").build();
        assertThatThrownBy(() -> nio.runUntilComplete(Transports.connectReadPipe(Recorder::new, 0)))
                .isInstanceOf(UnsupportedOperationException.class)
                .hasMessageContaining("transport(\"epoll\")");
        nio.close();
    }

    @ParameterizedTest
    @EnumSource(mode = EnumSource.Mode.EXCLUDE, names = "BLOCKING_DESCRIPTOR")
    void noDescriptorStays(Kind kind) throws Exception {
        File descriptors = new File("/proc/self/fd");
        assumeTrue(descriptors.isDirectory(), "this system has no /proc");
        run(() -> {
            open(kind).close();
            try (Ends first = open(kind)) { // whatever comes into being once
                OutputStream output = first.output();
                await(first.read(new Recorder())).transport().close();
                output.close();
            }
            int before = Objects.requireNonNull(descriptors.list()).length;
            for (int i = 0; i < 50; i++) {
                Ends ends = open(kind);
                if (i % 2 == 0) {
                    OutputStream output = ends.output();
                    Recorder protocol = new Recorder();
                    await(ends.read(protocol)).transport().close();
                    protocol.notes.until("lost");
                    output.close();
                } else {
                    InputStream input = ends.input();
                    assertThatThrownBy(() -> await(ends.write(null))) // a factory that makes none
                            .isInstanceOf(NullPointerException.class);
                    input.close();
                }
            }
            BooleanSupplier gone = () -> Objects.requireNonNull(descriptors.list()).length <= before + 4;
            for (int i = 0; i < 500 && !gone.getAsBoolean(); i++) {
                await(Asyncio.sleep(java.time.Duration.ofMillis(10)));
            }
            assertThat(gone.getAsBoolean()).isTrue();
        });
    }
}
