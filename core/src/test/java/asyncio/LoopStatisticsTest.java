package asyncio;

import static asyncio.Asyncio.async;
import static asyncio.Asyncio.await;
import static asyncio.Asyncio.createTask;
import static asyncio.Asyncio.sleep;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.netty.bootstrap.ServerBootstrap;
import io.netty.channel.Channel;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.ServerChannel;
import io.netty.channel.epoll.Epoll;
import io.netty.channel.epoll.EpollServerSocketChannel;
import io.netty.channel.socket.nio.NioServerSocketChannel;
import java.nio.channels.Pipe;
import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.RejectedExecutionException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class LoopStatisticsTest {
    private static void runOneTick(EventLoop loop) {
        loop.stop();
        loop.runForever();
    }

    @Test
    void countsTasksReadyEntriesTimersAndTicks() {
        EventLoop loop = EventLoop.newEventLoop();
        assertThat(loop.statistics()).isEqualTo(new LoopStatistics(0, 0, 0, 0, 0, 0, 0, 0, 0, 0));
        Task<Void> task = loop.createTask(async(() -> {
            await(sleep(Duration.ofHours(1)));
        }));
        assertThat(loop.statistics().tasks()).isEqualTo(1);
        loop.callSoon(() -> {
            int before = loop.statistics().ready();
            loop.callSoon(() -> {});
            loop.callSoon(() -> {});
            assertThat(loop.statistics().ready()).isEqualTo(before + 2);
        });
        runOneTick(loop);
        assertThat(loop.statistics()).isEqualTo(new LoopStatistics(1, 2, 1, 0, 0, 0, 1, 1, 0, 0));
        task.cancel();
        for (int i = 0; i < 4; i++) {
            runOneTick(loop);
        }
        LoopStatistics last = loop.statistics();
        assertThat(last.tasks()).isZero();
        assertThat(last.ready()).isZero();
        assertThat(last.timers()).isZero();
        assertThat(last.ticks()).isBetween(5L, 20L);
        assertThat(last.polls()).isBetween(1L, last.ticks());
        loop.close();
    }

    private static void countsChannels(String transport, Class<? extends ServerChannel> type) throws Exception {
        EventLoop loop = EventLoop.builder().transport(transport).build();
        try (LoopThread thread = new LoopThread(loop)) {
            ServerBootstrap server = new ServerBootstrap()
                    .group(loop.netty())
                    .channel(type)
                    .childHandler(new ChannelInboundHandlerAdapter());
            Channel one = server.bind(0).sync().channel();
            Channel two = server.bind(0).sync().channel();
            assertThat(loop.statistics().channels()).isEqualTo(2);
            one.close().sync();
            one.close().sync();
            assertThat(loop.statistics().channels()).isEqualTo(1);
            Pipe pipe = Pipe.open();
            pipe.source().configureBlocking(false);
            loop.addReader(pipe.source(), () -> {});
            awaitChannels(loop, 2);
            pipe.source().close();
            loop.removeReader(pipe.source());
            pipe.sink().close();
            two.close().sync();
            awaitChannels(loop, 0);
        }
    }

    /** A channel of a kind other than the loop's is known when the descriptor of its selector has been found. */
    private static void awaitChannels(EventLoop loop, int count) {
        long deadline = System.nanoTime() + Duration.ofSeconds(20).toNanos();
        while (loop.statistics().channels() != count && System.nanoTime() - deadline < 0) {
            Thread.onSpinWait();
        }
        assertThat(loop.statistics().channels()).isEqualTo(count);
    }

    @Test
    void countsChannelsOfNio() throws Exception {
        countsChannels("nio", NioServerSocketChannel.class);
    }

    @Test
    void countsChannelsOfEpoll() throws Exception {
        assumeTrue(Epoll.isAvailable());
        countsChannels("epoll", EpollServerSocketChannel.class);
    }

    @Test
    void countsWhatRunsInExecutorsAndWhatWaitsForThem() throws Exception {
        CountDownLatch begun = new CountDownLatch(1);
        CountDownLatch end = new CountDownLatch(1);
        Asyncio.run(() -> {
            EventLoop loop = EventLoop.getRunningLoop();
            Future<Integer> running = loop.runInExecutor(null, () -> {
                begun.countDown();
                end.await();
                return 1;
            });
            begun.await();
            Future<Integer> waiting = loop.runInExecutor(job -> {}, () -> 2); // an executor that has no thread
            assertThatThrownBy(() -> loop.runInExecutor(
                            job -> {
                                throw new RejectedExecutionException("full");
                            },
                            () -> 3))
                    .hasMessage("full");
            assertThat(loop.statistics().executorActive()).isEqualTo(1);
            assertThat(loop.statistics().executorQueued()).isEqualTo(1);
            waiting.cancel();
            assertThat(loop.statistics().executorQueued()).isZero();
            createTask(async(end::countDown));
            await(running);
            assertThat(loop.statistics().executorActive()).isZero();
        });
    }
}
