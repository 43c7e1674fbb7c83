package asyncio;

import static asyncio.Asyncio.await;
import static asyncio.Asyncio.sleep;
import static asyncio.Asyncio.toThread;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.File;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.IllegalBlockingModeException;
import java.nio.channels.Pipe;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import reactor.util.context.Context;

/** Channels of java.nio that a loop watches for readiness. */
@Timeout(60)
class ReadinessTest {
    private static Pipe pipe() throws IOException {
        Pipe pipe = Pipe.open();
        pipe.source().configureBlocking(false);
        pipe.sink().configureBlocking(false);
        return pipe;
    }

    private static void close(Pipe pipe) throws IOException {
        pipe.source().close();
        pipe.sink().close();
    }

    private static void write(Pipe pipe, int n) throws IOException {
        assertThat(pipe.sink().write(ByteBuffer.allocate(n))).isEqualTo(n);
    }

    /** Reads one byte; -1 at the end. */
    private static int readOne(Pipe pipe) {
        try {
            return pipe.source().read(ByteBuffer.allocate(1));
        } catch (IOException e) {
            throw new IllegalStateException(e);
        }
    }

    @Test
    @DisplayName(
            "LOOP-44: a reader is called as long as there is something to read; remove tells whether there was one")
    void aReaderIsCalledAsLongAsThereIsSomethingToRead() throws Exception {
        Pipe pipe = pipe();
        Asyncio.run(() -> {
            EventLoop loop = EventLoop.getRunningLoop();
            Future<Void> five = loop.createFuture();
            int[] calls = {0};
            assertThat(loop.removeReader(pipe.source())).isFalse();
            loop.addReader(pipe.source(), () -> {
                assertThat(readOne(pipe)).isEqualTo(1);
                if (++calls[0] == 5) {
                    five.setResult(null);
                }
            });
            write(pipe, 3);
            await(sleep(Duration.ofMillis(20)));
            write(pipe, 2);
            await(five);
            await(sleep(Duration.ofMillis(20)));
            assertThat(calls[0]).isEqualTo(5);
            write(pipe, 1);
            assertThat(loop.removeReader(pipe.source())).isTrue();
            assertThat(loop.removeReader(pipe.source())).isFalse();
            await(sleep(Duration.ofMillis(20)));
            assertThat(calls[0]).isEqualTo(5);
        });
        close(pipe);
    }

    @Test
    @DisplayName("LOOP-44: a writer is called as long as there is room; remove tells whether there was one")
    void aWriterIsCalledAsLongAsThereIsRoom() throws Exception {
        Pipe pipe = pipe();
        Asyncio.run(() -> {
            EventLoop loop = EventLoop.getRunningLoop();
            Future<Void> three = loop.createFuture();
            int[] calls = {0};
            loop.addWriter(pipe.sink(), () -> {
                if (++calls[0] == 3) {
                    assertThat(loop.removeWriter(pipe.sink())).isTrue();
                    three.setResult(null);
                }
            });
            await(three);
            await(sleep(Duration.ofMillis(20)));
            assertThat(calls[0]).isEqualTo(3);
            assertThat(loop.removeWriter(pipe.sink())).isFalse();
        });
        close(pipe);
    }

    @Test
    @DisplayName("LOOP-45: on a closed loop nothing can be added, and nothing is there to be removed")
    void aClosedLoop() throws Exception {
        Pipe pipe = pipe();
        EventLoop loop = EventLoop.newEventLoop();
        loop.addReader(pipe.source(), () -> {});
        loop.close();
        assertThat(loop.removeReader(pipe.source())).isFalse();
        assertThat(loop.removeWriter(pipe.sink())).isFalse();
        assertThatThrownBy(() -> loop.addReader(pipe.source(), () -> {})).isInstanceOf(IllegalStateException.class);
        assertThatThrownBy(() -> loop.addWriter(pipe.sink(), () -> {})).isInstanceOf(IllegalStateException.class);
        assertThat(pipe.source().isOpen()).isTrue();
        write(pipe, 1);
        assertThat(readOne(pipe)).isEqualTo(1);
        close(pipe);
    }

    @Test
    void aReaderThatIsAddedBeforeTheLoopRuns() throws Exception {
        Pipe pipe = pipe();
        write(pipe, 1);
        EventLoop loop = EventLoop.newEventLoop();
        loop.addReader(pipe.source(), loop::stop);
        loop.runForever();
        loop.close();
        close(pipe);
    }

    @Test
    void connectionsAreAcceptedAndMade() throws Exception {
        try (ServerSocketChannel server = ServerSocketChannel.open();
                SocketChannel client = SocketChannel.open()) {
            server.bind(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0));
            server.configureBlocking(false);
            client.configureBlocking(false);
            Asyncio.run(() -> {
                EventLoop loop = EventLoop.getRunningLoop();
                Future<SocketChannel> accepted = loop.createFuture();
                Future<Void> connected = loop.createFuture();
                loop.addReader(server, () -> {
                    try {
                        accepted.setResult(server.accept());
                    } catch (IOException e) {
                        accepted.setException(e);
                    }
                    loop.removeReader(server);
                });
                if (!client.connect(server.getLocalAddress())) {
                    loop.addWriter(client, () -> {
                        loop.removeWriter(client);
                        connected.setResult(null);
                    });
                    await(connected);
                    assertThat(client.finishConnect()).isTrue();
                }
                await(accepted).close();
                Future<Integer> end = loop.createFuture(); // the interest changes from pending to connected
                loop.addReader(client, () -> {
                    try {
                        end.setResult(client.read(ByteBuffer.allocate(1)));
                    } catch (IOException e) {
                        end.setException(e);
                    }
                    loop.removeReader(client);
                });
                assertThat(await(end)).isEqualTo(-1);
            });
        }
    }

    @Test
    void whatCannotBeWatchedIsRefused() throws Exception {
        Pipe pipe = pipe();
        Asyncio.run(() -> {
            EventLoop loop = EventLoop.getRunningLoop();
            assertThatThrownBy(() -> loop.addReader(pipe.sink(), () -> {}))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessageContaining("Nothing can be read from");
            assertThatThrownBy(() -> loop.addWriter(pipe.source(), () -> {}))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessageContaining("Nothing can be written to");
            pipe.source().configureBlocking(true);
            assertThatThrownBy(() -> loop.addReader(pipe.source(), () -> {}))
                    .isInstanceOf(IllegalBlockingModeException.class);
            close(pipe);
            assertThatThrownBy(() -> loop.addReader(pipe.source(), () -> {}))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessageContaining("closed");
        });
    }

    @Test
    void aCallbackThatThrowsIsReportedAndCalledAgain() throws Exception {
        Pipe pipe = pipe();
        List<Throwable> reported = new ArrayList<>();
        Asyncio.run(() -> {
            EventLoop loop = EventLoop.getRunningLoop();
            loop.setExceptionHandler((failing, what) -> reported.add(Objects.requireNonNull(what.exception())));
            Future<Void> again = loop.createFuture();
            int[] calls = {0};
            loop.addReader(pipe.source(), () -> {
                if (++calls[0] < 3) {
                    throw new IllegalArgumentException("call " + calls[0]);
                }
                readOne(pipe);
                again.setResult(null);
            });
            write(pipe, 1);
            await(again);
        });
        assertThat(reported).extracting(Throwable::getMessage).containsExactly("call 1", "call 2");
        close(pipe);
    }

    @Test
    void theCallbackHasTheContextOfWhoeverAddedIt() throws Exception {
        Pipe pipe = pipe();
        write(pipe, 1);
        Asyncio.run(() -> {
            EventLoop loop = EventLoop.getRunningLoop();
            Future<String> seen = loop.createFuture();
            loop.callSoon(
                    () -> loop.addReader(pipe.source(), () -> {
                        readOne(pipe);
                        seen.setResult(Asyncio.currentContext().get("key"));
                    }),
                    Context.of("key", "value"));
            assertThat(await(seen)).isEqualTo("value");
        });
        close(pipe);
    }

    @Test
    void fromOtherThreadsAndManyTimes() throws Exception {
        Pipe pipe = pipe();
        Asyncio.run(() -> {
            EventLoop loop = EventLoop.getRunningLoop();
            for (int i = 0; i < 200; i++) {
                Future<Void> called = loop.createFuture();
                Runnable callback = () -> {
                    readOne(pipe);
                    loop.removeReader(pipe.source());
                    called.setResult(null);
                };
                if (i % 2 == 0) {
                    await(toThread(() -> {
                        loop.addReader(pipe.source(), callback);
                        return null;
                    }));
                } else {
                    loop.addReader(pipe.source(), callback);
                    loop.removeReader(pipe.source());
                    loop.addReader(pipe.source(), callback);
                }
                write(pipe, 1);
                await(called);
            }
        });
        close(pipe);
    }

    @Test
    void manyThatAreAlwaysReadyLeaveTheLoopToOthers() throws Exception {
        List<Pipe> pipes = new ArrayList<>();
        int[] calls = new int[50];
        for (int i = 0; i < calls.length; i++) {
            pipes.add(pipe());
            write(pipes.get(i), 1);
        }
        Asyncio.run(() -> {
            EventLoop loop = EventLoop.getRunningLoop();
            for (int i = 0; i < calls.length; i++) {
                int n = i;
                loop.addReader(pipes.get(i).source(), () -> calls[n]++);
            }
            for (int i = 0; i < 20; i++) {
                await(sleep(Duration.ofMillis(5)));
            }
            for (Pipe pipe : pipes) {
                loop.removeReader(pipe.source());
            }
        });
        assertThat(calls).doesNotContain(0);
        for (Pipe pipe : pipes) {
            close(pipe);
        }
    }

    @Test
    void aChannelThatIsClosedIsCalledForNoMoreAndLeavesNoDescriptor() throws Exception {
        File descriptors = new File("/proc/self/fd");
        assumeTrue(descriptors.isDirectory(), "this system has no /proc");
        Asyncio.run(() -> {
            EventLoop loop = EventLoop.getRunningLoop();
            Pipe first = pipe();
            loop.addReader(first.source(), () -> {});
            int before = Objects.requireNonNull(descriptors.list()).length;
            for (int i = 0; i < 100; i++) {
                Pipe pipe = pipe();
                int[] calls = {0};
                loop.addReader(pipe.source(), () -> calls[0]++);
                close(pipe);
                int then = calls[0];
                await(sleep(Duration.ZERO));
                assertThat(calls[0]).isEqualTo(then);
            }
            while (Objects.requireNonNull(descriptors.list()).length
                    > before + 2) { // a collector or a log may have some
                await(sleep(Duration.ofMillis(10)));
            }
            close(first);
        });
    }
}
