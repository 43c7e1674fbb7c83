package asyncio.internal.loop;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import asyncio.Asyncio;
import asyncio.EventLoop;
import asyncio.Future;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.DefaultChannelPromise;
import io.netty.channel.nio.NioIoHandle;
import io.netty.channel.socket.nio.NioSocketChannel;
import io.netty.util.concurrent.Ticker;
import java.io.File;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.Pipe;
import java.nio.channels.Selector;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;

/** Channels of java.nio on a loop with epoll. */
@Timeout(60)
@EnabledOnOs(OS.LINUX)
class NestedSelectorTest {
    private EventLoop loop;
    private LoopCore core;

    @BeforeEach
    void open() {
        assumeTrue(Transports.epollIsAvailable(), "there is no epoll");
        loop = EventLoop.builder().transport("epoll").build();
        core = (LoopCore) loop.netty();
    }

    @AfterEach
    void close() {
        if (loop != null) {
            loop.close();
        }
    }

    private static Pipe pipe() throws IOException {
        Pipe pipe = Pipe.open();
        pipe.source().configureBlocking(false);
        pipe.sink().configureBlocking(false);
        return pipe;
    }

    private static void write(Pipe pipe) throws IOException {
        assertThat(pipe.sink().write(ByteBuffer.allocate(1))).isEqualTo(1);
    }

    private static void read(Pipe pipe) {
        try {
            assertThat(pipe.source().read(ByteBuffer.allocate(1))).isEqualTo(1);
        } catch (IOException e) {
            throw new IllegalStateException(e);
        }
    }

    private static void close(Pipe pipe) throws IOException {
        pipe.source().close();
        pipe.sink().close();
    }

    private static int descriptors() {
        return Objects.requireNonNull(new File("/proc/self/fd").list()).length;
    }

    @Test
    void theDescriptorOfASelectorIsFound() throws IOException {
        try (Selector first = Selector.open();
                Selector second = Selector.open()) {
            int one = SelectorProbe.descriptorOf(first);
            int two = SelectorProbe.descriptorOf(second);
            assertThat(one).isPositive().isNotEqualTo(two);
            assertThat(two).isPositive();
            assertThat(SelectorProbe.descriptorOf(first)).isEqualTo(one);
        }
    }

    @Test
    void aChannelIsWatchedByEpollAndNotByAThread() throws Exception {
        Pipe pipe = pipe();
        int[] calls = {0};
        loop.addReader(pipe.source(), () -> {
            read(pipe);
            calls[0]++;
            assertThat(Thread.currentThread().getName()).doesNotContain("selector");
            if (calls[0] == 100) {
                loop.stop();
            } else {
                try {
                    write(pipe);
                } catch (IOException e) {
                    throw new IllegalStateException(e);
                }
            }
        });
        write(pipe);
        loop.runForever();
        assertThat(calls[0]).isEqualTo(100);
        assertThat(core.watches.foreign()).isZero();
        assertThat(core.isCompatible(NioIoHandle.class)).isTrue();
        close(pipe);
    }

    @Test
    void aSelectorWhoseDescriptorIsNotFoundIsLeftToTheThread() throws Exception {
        core.nest(selector -> -1);
        List<Pipe> pipes = List.of(pipe(), pipe());
        for (Pipe pipe : pipes) {
            loop.addReader(pipe.source(), () -> {
                read(pipe);
                loop.stop();
            });
            write(pipe);
            loop.runForever();
            assertThat(core.watches.foreign()).isPositive();
        }
        assertThat(core.watches.foreign()).isEqualTo(2);
        assertThat(loop.removeReader(pipes.get(0).source())).isTrue();
        assertThat(loop.removeReader(pipes.get(0).source())).isFalse();
        for (Pipe pipe : pipes) {
            close(pipe);
        }
    }

    @Test
    void aSelectorThatGetsNoDescriptorIsTriedAgainUntilItGetsOne() throws Exception {
        core.nest(selector -> -1);
        List<String> reported = new ArrayList<>();
        boolean[] underLock = {true};
        loop.setExceptionHandler((failing, what) -> {
            underLock[0] = Thread.holdsLock(core.watches);
            reported.add(Objects.requireNonNull(what.exception()).getMessage());
        });
        int[] attempts = {0};
        core.watches.thread = () -> {
            if (++attempts[0] < 3) {
                throw new UncheckedIOException(new IOException("Too many open files"));
            }
            return SelectorThread.get();
        };
        Pipe pipe = pipe();
        write(pipe);
        loop.addReader(pipe.source(), () -> {
            read(pipe);
            loop.stop();
        });
        loop.runForever();
        assertThat(attempts[0]).isEqualTo(3);
        assertThat(reported).singleElement().asString().contains("tries again until there are descriptors");
        assertThat(underLock).containsExactly(false);
        close(pipe);
    }

    /** One that is still looked for when its owner makes the channel block. */
    @Test
    void aChannelThatIsMadeToBlockMeanwhileIsToldOnceAndIsTheOnlyOne() throws Exception {
        CountDownLatch blocked = new CountDownLatch(1);
        core.nest(selector -> {
            try {
                blocked.await();
            } catch (InterruptedException e) {
                throw new IOException(e);
            }
            return SelectorProbe.descriptorOf(selector);
        });
        Pipe first = pipe();
        Pipe second = pipe();
        int[] calls = {0, 0};
        loop.addReader(first.source(), () -> calls[0]++);
        loop.addReader(second.source(), () -> {
            read(second);
            if (++calls[1] == 2) {
                loop.stop();
            }
            loop.removeReader(first.source());
        });
        loop.callSoon(() -> {
            try {
                first.source().configureBlocking(true);
                write(second);
                write(second);
            } catch (IOException e) {
                throw new IllegalStateException(e);
            }
            blocked.countDown();
        });
        loop.runForever();
        assertThat(calls).containsExactly(1, 2);
        assertThat(core.watches.foreign()).isZero();
        first.source().configureBlocking(false);
        loop.addReader(first.source(), () -> {
            read(first);
            loop.stop();
        });
        write(first);
        loop.runForever();
        assertThat(core.watches.foreign()).isZero();
        close(first);
        close(second);
    }

    @Test
    void aChannelThatIsMadeToBlockBeforeTheThreadHasItIsToldOnce() throws Exception {
        core.nest(selector -> -1);
        Pipe pipe = pipe();
        int[] calls = {0};
        Thread owner = Thread.currentThread();
        loop.addReader(pipe.source(), () -> {
            assertThat(Thread.currentThread()).isSameAs(owner);
            calls[0]++;
            loop.stop();
        });
        core.watches.thread = () -> {
            try {
                pipe.source().configureBlocking(true);
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
            return SelectorThread.get();
        };
        loop.runForever();
        assertThat(calls[0]).isEqualTo(1);
        assertThat(loop.removeReader(pipe.source())).isFalse();
        close(pipe);
    }

    @Test
    void aReaderThatIsRemovedWhileTheDescriptorIsLookedForIsNotCalled() throws Exception {
        core.nest(selector -> -1);
        Pipe pipe = pipe();
        write(pipe);
        int[] calls = {0};
        loop.addReader(pipe.source(), () -> calls[0]++);
        assertThat(loop.removeReader(pipe.source())).isTrue();
        loop.runUntilComplete(Asyncio.sleep(Duration.ofMillis(20)));
        assertThat(calls[0]).isZero();
        close(pipe);
    }

    @Test
    void aProbeThatFailsIsAsOneThatFindsNothing() throws Exception {
        core.nest(selector -> {
            throw new IOException("there is no /proc");
        });
        Pipe pipe = pipe();
        write(pipe);
        loop.addReader(pipe.source(), () -> {
            read(pipe);
            loop.stop();
        });
        loop.runForever();
        assertThat(core.watches.foreign()).isEqualTo(1);
        NioSocketChannel netty = new NioSocketChannel();
        DefaultChannelPromise registered = new DefaultChannelPromise(netty, core);
        netty.unsafe().register(core, registered);
        loop.runUntilComplete(Asyncio.sleep(Duration.ofMillis(1)));
        assertThat(registered.cause()).isInstanceOf(UnsupportedOperationException.class);
        close(pipe);
    }

    /** An accepted socket of the JDK as a Netty channel. */
    @Test
    void aChannelOfNettysForNioRunsOnEpoll() throws Exception {
        try (ServerSocketChannel server = ServerSocketChannel.open()) {
            server.bind(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0));
            SocketChannel client = SocketChannel.open(server.getLocalAddress());
            NioSocketChannel echo = new NioSocketChannel(server.accept());
            Future<Void> over = loop.createFuture();
            echo.pipeline().addLast(new ChannelInboundHandlerAdapter() {
                @Override
                public void channelRead(ChannelHandlerContext context, Object data) {
                    context.writeAndFlush(data);
                }

                @Override
                public void channelInactive(ChannelHandlerContext context) {
                    over.setResult(null);
                }
            });
            echo.unsafe().register(core, echo.newPromise());
            Thread peer = new Thread(() -> {
                try (client) {
                    for (int i = 0; i < 200; i++) {
                        client.write(ByteBuffer.wrap("hello".getBytes(StandardCharsets.UTF_8)));
                        ByteBuffer answer = ByteBuffer.allocate(5);
                        while (answer.hasRemaining() && client.read(answer) > 0) {
                            // until everything has arrived
                        }
                    }
                } catch (IOException e) {
                    over.getLoop().callSoonThreadsafe(() -> over.trySetException(e));
                }
            });
            peer.start();
            loop.runUntilComplete(over);
            peer.join();
            assertThat(echo.isOpen()).isFalse();
        }
    }

    @Test
    void channelsThatAreAlwaysReadyAreServedEquallyAndLeaveTheLoopToTimersAndOthers() throws Exception {
        int[] calls = new int[100];
        List<Pipe> pipes = new ArrayList<>();
        for (int i = 0; i < calls.length; i++) {
            Pipe pipe = pipe();
            int n = i;
            write(pipe);
            pipes.add(pipe);
            loop.addReader(pipe.source(), () -> calls[n]++);
        }
        int[] timers = {0};
        loop.runUntilComplete(Asyncio.async(() -> {
            for (; timers[0] < 20; timers[0]++) {
                Asyncio.await(Asyncio.sleep(Duration.ofMillis(5)));
            }
        }));
        int least = Integer.MAX_VALUE;
        int most = 0;
        for (int n : calls) {
            least = Math.min(least, n);
            most = Math.max(most, n);
        }
        assertThat(least).isPositive();
        assertThat(most - least).isLessThanOrEqualTo(1);
        for (Pipe pipe : pipes) {
            close(pipe);
        }
    }

    @Test
    void aLoopThatIsClosedLeavesNoDescriptorAndTheChannelsOpen() throws Exception {
        Pipe pipe = pipe();
        write(pipe);
        int before = descriptors();
        for (int i = 0; i < 20; i++) {
            EventLoop other = EventLoop.builder().transport("epoll").build();
            if (i % 3 > 0) {
                other.addReader(pipe.source(), other::stop);
            }
            if (i % 3 > 1) {
                other.runForever();
            } // otherwise it is closed before or during the search for the descriptor
            other.close();
        }
        assertThat(pipe.source().isOpen()).isTrue();
        read(pipe);
        while (descriptors() > before + 2) { // a log may have some
            Thread.onSpinWait();
        }
        close(pipe);
    }

    @Test
    void inVirtualTimeTheClockWaitsForTheSearch() throws Exception {
        EventLoop virtual = EventLoop.builder()
                .transport("epoll")
                .clock(Ticker.newMockTicker())
                .build();
        Pipe pipe = pipe();
        write(pipe);
        List<String> order = new ArrayList<>();
        virtual.addReader(pipe.source(), () -> {
            read(pipe);
            order.add("read");
        });
        virtual.runUntilComplete(Asyncio.async(() -> {
            Asyncio.await(Asyncio.sleep(Duration.ofHours(1)));
            order.add("an hour later");
        }));
        assertThat(order).containsExactly("read", "an hour later");
        virtual.close();
        assertThatThrownBy(() -> virtual.addReader(pipe.source(), () -> {})).isInstanceOf(IllegalStateException.class);
        close(pipe);
    }
}
