package asyncio;

import static asyncio.Asyncio.await;
import static asyncio.Asyncio.sleep;
import static asyncio.Asyncio.toThread;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import asyncio.internal.loop.Transports;
import io.netty.channel.IoEvent;
import io.netty.channel.IoRegistration;
import io.netty.channel.epoll.EpollIoHandle;
import io.netty.channel.epoll.EpollIoOps;
import io.netty.channel.epoll.EpollServerSocketChannel;
import io.netty.channel.unix.FileDescriptor;
import io.netty.util.concurrent.Ticker;
import java.io.File;
import java.io.FileInputStream;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

/** Descriptors whose readiness a loop on epoll tells of. */
@Timeout(60)
@EnabledOnOs(OS.LINUX)
class DescriptorReadinessTest {
    private EventLoop loop;
    /** Of Netty's, which does not block: the end that is read and the one that is written. */
    private FileDescriptor[] pipe;

    private final ByteBuffer one = ByteBuffer.allocateDirect(1);

    @BeforeEach
    void open() throws IOException {
        assumeTrue(Transports.epollIsAvailable(), "there is no epoll");
        loop = EventLoop.builder().transport("epoll").build();
        pipe = FileDescriptor.pipe();
    }

    @AfterEach
    void close() throws IOException {
        if (loop != null) {
            loop.close();
            for (FileDescriptor end : pipe) {
                if (end.isOpen()) {
                    end.close();
                }
            }
        }
    }

    private int source() {
        return pipe[0].intValue();
    }

    private int sink() {
        return pipe[1].intValue();
    }

    private void write() {
        try {
            assertThat(pipe[1].write(one, 0, 1)).isEqualTo(1);
        } catch (IOException e) {
            throw new IllegalStateException(e);
        }
    }

    /** Reads one byte; -1 at the end. */
    private int read() {
        try {
            return pipe[0].read(one, 0, 1);
        } catch (IOException e) {
            throw new IllegalStateException(e);
        }
    }

    private interface Step {
        void run() throws IOException;
    }

    private static void io(Step step) {
        try {
            step.run();
        } catch (IOException e) {
            throw new IllegalStateException(e);
        }
    }

    private void run(Body body) throws Exception {
        loop.runUntilComplete(Asyncio.async(body));
    }

    /** The number of the descriptor that leads to a path. */
    private static int numberOf(Path path) throws IOException {
        try (Stream<Path> all = Files.list(Path.of("/proc/self/fd"))) {
            for (Path descriptor : all.toList()) {
                if (Files.isSymbolicLink(descriptor)
                        && Files.readSymbolicLink(descriptor).equals(path.toRealPath())) {
                    return Integer.parseInt(descriptor.getFileName().toString());
                }
            }
        }
        throw new IllegalStateException("nobody has opened " + path);
    }

    @Test
    @DisplayName("LOOP-44: the reader of a descriptor is called as long as there is something, and at its end")
    void aReaderIsCalledAsLongAsThereIsSomethingToRead() throws Exception {
        List<Integer> came = new ArrayList<>();
        run(() -> {
            Future<Void> end = loop.createFuture();
            assertThat(loop.removeReader(source())).isFalse();
            loop.addReader(source(), () -> {
                came.add(read());
                if (came.size() == 5) {
                    io(pipe[1]::close);
                } else if (came.get(came.size() - 1) == -1) {
                    assertThat(loop.removeReader(source())).isTrue();
                    end.setResult(null);
                }
            });
            for (int i = 0; i < 5; i++) {
                write();
            }
            await(end);
            assertThat(loop.removeReader(source())).isFalse();
        });
        assertThat(came).containsExactly(1, 1, 1, 1, 1, -1);
    }

    @Test
    @DisplayName(
            "LOOP-44: the writer of a descriptor is called as long as there is room, and when nobody reads any more")
    void aWriterIsCalledAsLongAsThereIsRoom() throws Exception {
        run(() -> {
            Future<Void> full = loop.createFuture();
            ByteBuffer page = ByteBuffer.allocateDirect(4096);
            int[] calls = {0};
            loop.addWriter(sink(), () -> {
                calls[0]++;
                io(
                        () -> { // whatever the size of the pipe
                            while (pipe[1].write(page, 0, 4096) > 0) {
                                Thread.onSpinWait();
                            }
                        });
                full.setResult(null);
            });
            await(full);
            for (int i = 0; i < 20; i++) {
                await(sleep(Duration.ZERO));
            }
            assertThat(calls[0]).isEqualTo(1);
            Future<Void> broken = loop.createFuture();
            loop.addWriter(sink(), () -> {
                loop.removeWriter(sink());
                broken.setResult(null);
            });
            pipe[0].close();
            await(broken);
        });
    }

    @Test
    void aReaderAndAWriterOfOneDescriptor(@TempDir Path directory) throws Exception {
        Path fifo = directory.resolve("fifo");
        assertThat(new ProcessBuilder("mkfifo", fifo.toString()).start().waitFor())
                .isZero();
        try (var file = new java.io.RandomAccessFile(fifo.toFile(), "rw")) {
            int number = numberOf(fifo);
            List<String> calls = new ArrayList<>();
            run(() -> {
                Future<Void> read = loop.createFuture();
                loop.addWriter(number, () -> {
                    calls.add("writable");
                    loop.removeWriter(number);
                    io(() -> file.write(7));
                });
                loop.addReader(number, () -> {
                    io(() -> calls.add("read " + file.read()));
                    loop.removeReader(number);
                    read.setResult(null);
                });
                await(read);
            });
            assertThat(calls).containsExactly("writable", "read 7");
        }
    }

    @Test
    void whatCannotBeWatchedIsRefused(@TempDir Path directory) throws Exception {
        Path file = Files.writeString(directory.resolve("file"), "hello");
        try (FileInputStream in = new FileInputStream(file.toFile())) {
            int number = numberOf(file);
            assertThatThrownBy(() -> loop.addReader(number, () -> {}))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessageContaining("read a file in a thread");
            run(() -> assertThatThrownBy(() -> loop.addWriter(number, () -> {}))
                    .isInstanceOf(IllegalArgumentException.class));
            assertThat(in.read()).isEqualTo('h');
        }
        assertThatThrownBy(() -> loop.addReader(-1, () -> {})).isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> loop.addReader(999_999, () -> {}))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("not open");
    }

    /** /dev/null is no file, but epoll does not take it. */
    @Test
    void whatEpollRefusesIsToldOnTheLoopAndByTheExceptionHandlerElsewhere() throws Exception {
        List<Throwable> reported = new ArrayList<>();
        loop.setExceptionHandler((failing, what) -> reported.add(Objects.requireNonNull(what.exception())));
        try (FileInputStream in = new FileInputStream("/dev/null")) {
            int number = numberOf(Path.of("/dev/null"));
            run(() -> assertThatThrownBy(() -> loop.addReader(number, () -> {}))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessageContaining("Descriptor " + number + " cannot be watched"));
            assertThat(reported).isEmpty();
            loop.addReader(number, () -> {});
            run(() -> await(sleep(Duration.ZERO)));
            assertThat(reported).singleElement().isInstanceOf(IllegalArgumentException.class);
            assertThat(loop.removeReader(number)).isFalse();
            assertThat(in.read()).isEqualTo(-1);
        }
    }

    @Test
    @DisplayName("LOOP-45: on a closed loop no descriptor can be added, and none is there to be removed")
    void aClosedLoop() throws IOException {
        loop.addReader(source(), () -> {});
        loop.close();
        assertThat(loop.removeReader(source())).isFalse();
        assertThat(loop.removeWriter(sink())).isFalse();
        assertThatThrownBy(() -> loop.addReader(source(), () -> {})).isInstanceOf(IllegalStateException.class);
        write();
        assertThat(read()).isEqualTo(1); // it is its owner's
    }

    /** Closes the end that is read, and opens a pipe whose end that is read has the same number. */
    private FileDescriptor[] reopened(List<FileDescriptor> others) throws IOException {
        int number = source();
        pipe[0].close();
        while (true) {
            FileDescriptor[] next = FileDescriptor.pipe();
            others.addAll(List.of(next));
            if (next[0].intValue() == number) {
                return next;
            }
        }
    }

    /**
     * A pipe that is ready is closed, and its number is that of an empty one, before the loop has called the reader.
     */
    private void reopensBeforeTheReaderIsCalled(boolean onLoop) throws Exception {
        List<FileDescriptor> others = new ArrayList<>();
        FileDescriptor[] next = {null, null};
        int[] calls = {0, 0};
        int number = source();
        Runnable reopen = () -> {
            assertThat(loop.removeReader(number)).isTrue();
            io(() -> System.arraycopy(reopened(others), 0, next, 0, 2));
            loop.addReader(number, () -> {
                calls[1]++;
                loop.removeReader(number);
            });
        };
        run(() -> {
            loop.addReader(number, () -> calls[0]++);
            write();
            Future<Void> done = loop.createFuture();
            loop.callSoon(
                    () -> { // in the tick that finds the pipe ready, before its reader
                        if (onLoop) {
                            reopen.run();
                        } else {
                            Thread other = new Thread(reopen);
                            other.start();
                            joined(other);
                        }
                        done.setResult(null);
                    });
            await(done);
            for (int i = 0; i < 20; i++) {
                await(sleep(Duration.ZERO));
            }
            assertThat(calls).containsExactly(0, 0);
            io(() -> next[1].write(one, 0, 1));
            while (calls[1] == 0) {
                await(sleep(Duration.ZERO));
            }
            assertThat(calls).containsExactly(0, 1);
            for (FileDescriptor end : others) {
                end.close();
            }
        });
    }

    private static void joined(Thread thread) {
        try {
            thread.join();
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }

    @Test
    void aReaderAddedOnTheLoopGetsNoReadinessOfTheFileThatHadItsNumber() throws Exception {
        reopensBeforeTheReaderIsCalled(true);
    }

    @Test
    void aReaderAddedElsewhereGetsNoReadinessOfTheFileThatHadItsNumber() throws Exception {
        reopensBeforeTheReaderIsCalled(false);
    }

    /** The other handle is called in the poll that has found both of them ready. */
    @Test
    void aReaderAddedDuringAPollGetsNoReadinessOfTheFileThatHadItsNumber() throws Exception {
        List<FileDescriptor> others = new ArrayList<>();
        FileDescriptor[] first = FileDescriptor.pipe();
        FileDescriptor[] next = {null, null};
        int[] calls = {0, 0};
        int number = source();
        run(() -> {
            Future<Void> done = loop.createFuture();
            EpollIoHandle handle = new EpollIoHandle() {
                @Override
                public FileDescriptor fd() {
                    return first[0];
                }

                @Override
                public void handle(IoRegistration registration, IoEvent event) {
                    registration.cancel();
                    assertThat(calls[0]).isZero();
                    assertThat(loop.removeReader(number)).isTrue();
                    io(() -> System.arraycopy(reopened(others), 0, next, 0, 2));
                    loop.addReader(number, () -> calls[1]++);
                    done.setResult(null);
                }

                @Override
                public void close() {}
            };
            IoRegistration registration = loop.netty().register(handle).getNow();
            registration.submit(EpollIoOps.EPOLLIN);
            loop.addReader(number, () -> calls[0]++);
            io(() -> first[1].write(one, 0, 1));
            write();
            await(done);
            for (int i = 0; i < 20; i++) {
                await(sleep(Duration.ZERO));
            }
            assertThat(calls).containsExactly(0, 0);
            io(() -> next[1].write(one, 0, 1));
            while (calls[1] == 0) {
                await(sleep(Duration.ZERO));
            }
            loop.removeReader(number);
            others.addAll(List.of(first));
            for (FileDescriptor end : others) {
                end.close();
            }
        });
    }

    @Test
    void aDescriptorOfAChannelIsRefusedAndTheChannelWorksOn() throws Exception {
        EpollServerSocketChannel server = new EpollServerSocketChannel();
        run(() -> {
            int number = server.fd().intValue();
            server.unsafe().register(loop.netty(), server.newPromise());
            server.bind(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0));
            for (Runnable refused : List.<Runnable>of(
                    () -> loop.addReader(number, () -> {}),
                    () -> loop.addWriter(number, () -> {}),
                    () -> loop.removeReader(number))) {
                assertThatThrownBy(refused::run)
                        .isInstanceOf(IllegalStateException.class)
                        .hasMessageContaining("Descriptor " + number + " is used by a transport");
            }
            Future<Object> accepted = loop.createFuture();
            server.pipeline().addLast(new io.netty.channel.ChannelInboundHandlerAdapter() {
                @Override
                public void channelRead(io.netty.channel.ChannelHandlerContext context, Object message) {
                    ((io.netty.channel.Channel) message).unsafe().closeForcibly();
                    accepted.setResult(message);
                }
            });
            InetSocketAddress address = server.localAddress();
            await(toThread(() -> {
                new java.net.Socket(address.getAddress(), address.getPort()).close();
                return null;
            }));
            await(accepted);
            server.close();
            await(sleep(Duration.ZERO));
            assertThatThrownBy(() -> loop.addReader(number, () -> {})).isInstanceOf(IllegalArgumentException.class);
        });
    }

    /** A number that was closed while it was watched, and is a channel's now. */
    @Test
    void aChannelTakesTheNumberOfADescriptorThatWasClosedWhileItWasWatched() throws Exception {
        run(() -> {
            int[] calls = {0};
            int number = source();
            loop.addReader(number, () -> calls[0]++);
            pipe[0].close();
            List<EpollServerSocketChannel> servers = new ArrayList<>(); // one of them has the number
            for (boolean found = false; !found; ) {
                EpollServerSocketChannel server = new EpollServerSocketChannel();
                servers.add(server);
                found = server.fd().intValue() == number;
                var registered = server.newPromise();
                server.unsafe().register(loop.netty(), registered);
                assertThat(registered.isSuccess()).isTrue();
            }
            assertThatThrownBy(() -> loop.removeReader(number)).isInstanceOf(IllegalStateException.class);
            servers.forEach(server -> server.close());
            assertThat(loop.removeReader(number)).isFalse();
            assertThat(calls[0]).isZero();
        });
    }

    @Test
    void aChannelWithADescriptorThatIsWatchedIsRefused() throws Exception {
        run(() -> {
            EpollServerSocketChannel server = new EpollServerSocketChannel();
            int number = server.fd().intValue();
            loop.addReader(number, () -> {});
            var registered = server.newPromise();
            server.unsafe().register(loop.netty(), registered);
            assertThat(registered.cause())
                    .isInstanceOf(IOException.class)
                    .hasMessageContaining("is watched by addReader");
            assertThat(loop.removeReader(number)).isTrue();
            server.unsafe().closeForcibly();
        });
    }

    @Test
    void fromOtherThreadsAndManyTimes() throws Exception {
        run(() -> {
            for (int i = 0; i < 200; i++) {
                Future<Void> called = loop.createFuture();
                Runnable callback = () -> {
                    read();
                    loop.removeReader(source());
                    called.setResult(null);
                };
                if (i % 2 == 0) {
                    await(toThread(() -> {
                        loop.addReader(source(), callback);
                        loop.removeReader(source());
                        loop.addReader(source(), callback);
                        return null;
                    }));
                } else {
                    loop.addReader(source(), callback);
                    assertThat(loop.removeReader(source())).isTrue();
                    loop.addReader(source(), callback);
                }
                write();
                await(called);
            }
        });
    }

    @Test
    void aCallbackThatThrowsIsReportedAndCalledAgain() throws Exception {
        List<String> reported = new ArrayList<>();
        loop.setExceptionHandler((failing, what) ->
                reported.add(Objects.requireNonNull(what.exception()).getMessage()));
        int[] calls = {0};
        loop.addReader(
                source(),
                () -> { // before the loop runs
                    if (++calls[0] < 3) {
                        throw new IllegalArgumentException("call " + calls[0]);
                    }
                    loop.stop();
                });
        write();
        loop.runForever();
        assertThat(reported).containsExactly("call 1", "call 2");
    }

    @Test
    void inVirtualTimeAWatchedDescriptorIsAnOpenChannel() throws Exception {
        List<@Nullable Boolean> channels = new ArrayList<>();
        EventLoop virtual = EventLoop.builder()
                .transport("epoll")
                .clock(Ticker.newMockTicker())
                .monitor(new LoopMonitor() {
                    @Override
                    public Duration quietTime(boolean timers, boolean outside) {
                        channels.add(outside);
                        return Duration.ZERO;
                    }

                    @Override
                    public void idle(EventLoop idle, @Nullable Duration nextTimer) {}

                    @Override
                    public void forgotten(EventLoop of, Leftover coroutine) {}
                })
                .build();
        virtual.addReader(source(), () -> {});
        virtual.runUntilComplete(Asyncio.async(() -> {
            await(sleep(Duration.ofHours(1)));
            virtual.removeReader(source());
            channels.add(null);
            await(sleep(Duration.ofHours(1)));
        }));
        virtual.close();
        assertThat(channels).containsSubsequence(true, null, false).doesNotContainSequence(null, true);
    }

    @Test
    void aLoopThatComesAndGoesLeavesNoDescriptor() throws Exception {
        File descriptors = new File("/proc/self/fd");
        int before = Objects.requireNonNull(descriptors.list()).length;
        for (int i = 0; i < 50; i++) {
            EventLoop other = EventLoop.builder().transport("epoll").build();
            other.addReader(source(), () -> {});
            other.runUntilComplete(Asyncio.sleep(Duration.ZERO));
            other.close();
        }
        assertThat(Objects.requireNonNull(descriptors.list()).length).isLessThanOrEqualTo(before + 2);
    }

    @Test
    void aLoopOnNioSaysWhatToDo() throws Exception {
        EventLoop nio = EventLoop.builder().transport("nio").build();
        assertThatThrownBy(() -> nio.addReader(0, () -> {}))
                .isInstanceOf(UnsupportedOperationException.class)
                .hasMessageContaining("transport(\"epoll\")");
        assertThatThrownBy(() -> nio.removeWriter(0)).isInstanceOf(UnsupportedOperationException.class);
        nio.close();
    }
}
