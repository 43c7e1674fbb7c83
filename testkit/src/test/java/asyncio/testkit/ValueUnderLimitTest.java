package asyncio.testkit;

import static asyncio.Asyncio.async;
import static asyncio.Asyncio.await;
import static asyncio.Asyncio.createTask;
import static asyncio.Asyncio.sleep;
import static asyncio.Asyncio.waitFor;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import asyncio.Asyncio;
import asyncio.CancelledException;
import asyncio.EventLoop;
import asyncio.Future;
import asyncio.Task;
import asyncio.queue.Queue;
import asyncio.queue.Select;
import asyncio.streams.Server;
import asyncio.streams.StreamConnection;
import asyncio.streams.StreamReader;
import asyncio.streams.Streams;
import asyncio.sync.Lock;
import asyncio.sync.Permit;
import asyncio.sync.Semaphore;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.ServerSocket;
import java.net.Socket;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.TimeoutException;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import reactor.core.publisher.Mono;

/** Values that arrive exactly when the time is up, with an operator between their source and the limit. */
@Timeout(120)
class ValueUnderLimitTest {
    private static final int ITEMS = Integer.getInteger("asyncio.test.values", 1_000);
    private static final Duration LIMIT = Duration.ofNanos(100_000);

    enum Limit {
        WAIT_FOR {
            @Override
            <T> Mono<T> around(Mono<T> mono) {
                return waitFor(mono, LIMIT);
            }
        },
        SCOPE {
            @Override
            <T> Mono<T> around(Mono<T> mono) {
                return asyncio.Timeout.scope(LIMIT, timeout -> mono);
            }
        },
        TASK {
            @Override
            <T> Mono<T> around(Mono<T> mono) {
                return async(() -> {
                    Task<T> task = createTask(mono);
                    EventLoop.getRunningLoop().callLater(LIMIT, () -> task.cancel());
                    return await(task);
                });
            }
        };

        abstract <T> Mono<T> around(Mono<T> mono);
    }

    enum Line {
        READ_AND_OPERATOR(reader -> reader.readLine().map(line -> new String(line, UTF_8))),
        READ_AND_OPERATORS(reader ->
                reader.readLine().hide().map(line -> new String(line, UTF_8)).filter(line -> true)),
        NEXT(reader -> reader.lines().next().map(line -> new String(line, UTF_8))),
        NEXT_OF_TEXT(reader -> reader.lines(UTF_8).next().map(line -> line + "\n")),
        TAKE(reader -> reader.lines(UTF_8).take(1).singleOrEmpty().map(line -> line + "\n"));

        private final Function<StreamReader, Mono<String>> next;

        Line(Function<StreamReader, Mono<String>> next) {
            this.next = next;
        }
    }

    /** Takes all values, retrying each until it arrives; null is the end. */
    private static <T> List<T> takeAll(Limit limit, Mono<T> next) throws Exception {
        List<T> got = new ArrayList<>();
        while (true) {
            try {
                T value = await(limit.around(next));
                if (value == null) {
                    return got;
                }
                got.add(value);
            } catch (TimeoutException | CancelledException e) {
                // try again
            }
        }
    }

    private static void pause(Random random) throws Exception {
        await(sleep(Duration.ofNanos(random.nextInt(150_000))));
    }

    @ParameterizedTest
    @EnumSource
    @DisplayName("no line is lost")
    void lines(Line line) throws Exception {
        Random random = new Random(line.ordinal());
        for (Limit limit : Limit.values()) {
            List<String> got = Asyncio.run(() -> {
                try (Server server = await(Streams.startServerBody(
                                connection -> {
                                    try (connection) {
                                        for (int i = 0; i < ITEMS; i++) {
                                            connection.writer().write(i + "\n");
                                            pause(random);
                                        }
                                    }
                                },
                                "127.0.0.1",
                                0));
                        StreamConnection client = await(Streams.openConnection("127.0.0.1", server.port()))) {
                    return takeAll(limit, line.next.apply(client.reader()));
                }
            });
            report(line, limit, got.size());
            List<String> sent = new ArrayList<>();
            for (int i = 0; i < ITEMS; i++) {
                sent.add(i + "\n");
            }
            assertThat(got).as("%s under %s", line, limit).isEqualTo(sent);
        }
    }

    /** When the loop next checks for IO, the bytes have arrived and the time is up. */
    @ParameterizedTest
    @EnumSource
    @DisplayName("no line is lost that comes while a task is busy beyond its limit")
    void linesForABusyTask(Line line) throws Exception {
        try (ServerSocket server = new ServerSocket(0)) {
            Asyncio.run(() -> {
                try (StreamConnection client = await(Streams.openConnection("127.0.0.1", server.getLocalPort()));
                        Socket peer = server.accept()) {
                    EventLoop loop = EventLoop.getRunningLoop();
                    Mono<String> next = line.next.apply(client.reader());
                    for (int i = 0; i < 100; i++) {
                        byte[] sent = (i + "\n").getBytes(UTF_8);
                        Mono<String> limited = asyncio.Timeout.scope(LIMIT, timeout -> {
                            send(peer, sent);
                            while (loop.time().compareTo(timeout.when()) <= 0) {
                                Thread.onSpinWait();
                            }
                            return next;
                        });
                        String got;
                        try {
                            got = await(limited);
                        } catch (TimeoutException e) {
                            got = await(waitFor(next, Duration.ofSeconds(20)));
                        }
                        assertThat(got).isEqualTo(i + "\n");
                    }
                }
            });
        }
    }

    private static void send(Socket peer, byte[] bytes) {
        try {
            peer.getOutputStream().write(bytes);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    enum Item {
        GET_AND_OPERATOR(queue -> queue.next().map(item -> item)),
        GET_AND_OPERATORS(queue -> queue.next().hide().filter(item -> true).doOnNext(item -> {})),
        NEXT(queue -> queue.asFlux().next()),
        SELECT(queue -> new Select<Integer>()
                .onGet(queue, item -> item)
                .first()
                .map(item -> item)
                .onErrorComplete(asyncio.queue.QueueShutDownException.class));

        private final Function<Queue<Integer>, Mono<Integer>> next;

        Item(Function<Queue<Integer>, Mono<Integer>> next) {
            this.next = next;
        }
    }

    @ParameterizedTest
    @EnumSource
    @DisplayName("no item is lost")
    void items(Item item) throws Exception {
        Random random = new Random(item.ordinal());
        for (Limit limit : Limit.values()) {
            List<Integer> got = Asyncio.run(() -> {
                Queue<Integer> queue = Queue.unbounded();
                createTask(async(() -> {
                    for (int i = 0; i < ITEMS; i++) {
                        queue.putNowait(i);
                        pause(random);
                    }
                    queue.shutdown();
                }));
                return takeAll(limit, item.next.apply(queue));
            });
            report(item, limit, got.size());
            List<Integer> put = new ArrayList<>();
            for (int i = 0; i < ITEMS; i++) {
                put.add(i);
            }
            assertThat(got).as("%s under %s", item, limit).isEqualTo(put);
        }
    }

    @ParameterizedTest
    @EnumSource
    @DisplayName("no permit is lost")
    void permits(Limit limit) throws Exception {
        Random random = new Random(limit.ordinal());
        Lock lock = new Lock();
        Semaphore semaphore = new Semaphore(2);
        Asyncio.run(() -> {
            for (int i = 0; i < ITEMS; i++) {
                Permit ours = await(lock.acquire());
                Permit one = await(semaphore.acquire());
                Permit other = await(semaphore.acquire());
                Task<@Nullable Void> taker = createTask(async(() -> {
                    try {
                        await(limit.around(lock.acquire().map(permit -> permit)))
                                .release();
                    } catch (TimeoutException | CancelledException e) {
                        // allowed
                    }
                    try {
                        await(limit.around(semaphore.acquire().map(permit -> permit)))
                                .release();
                    } catch (TimeoutException | CancelledException e) {
                        // allowed
                    }
                }));
                pause(random);
                ours.release();
                pause(random);
                one.release();
                other.release();
                await(taker);
                assertThat(lock.locked()).as("round %d", i).isFalse();
                assertThat(semaphore.permits()).as("round %d", i).isEqualTo(2);
            }
        });
    }

    @ParameterizedTest
    @EnumSource
    @DisplayName("the result of a Future stays")
    void futures(Limit limit) throws Exception {
        Random random = new Random(limit.ordinal());
        Asyncio.run(() -> {
            EventLoop loop = EventLoop.getRunningLoop();
            for (int i = 0; i < ITEMS; i++) {
                Future<Integer> future = loop.createFuture();
                int value = i;
                loop.callLater(Duration.ofNanos(random.nextInt(150_000)), () -> future.setResult(value));
                List<Integer> got = new ArrayList<>();
                while (got.isEmpty()) {
                    try {
                        got.add(await(limit.around(future.map(x -> x))));
                    } catch (TimeoutException | CancelledException e) {
                        // try again
                    }
                }
                assertThat(got).containsExactly(value);
            }
        });
    }

    @Test
    @DisplayName("a cancelled task takes nothing from others that share its source")
    void shared() throws Exception {
        Asyncio.run(() -> {
            Queue<Integer> queue = Queue.unbounded();
            for (Mono<Integer> next :
                    List.of(queue.asFlux().share().next(), queue.next().share())) {
                Task<Integer> first = createTask(async(() -> await(next)));
                Task<Integer> second = createTask(async(() -> await(next)));
                await(sleep(Duration.ofMillis(1)));
                first.cancel();
                await(sleep(Duration.ofMillis(1)));
                queue.putNowait(1);
                assertThat(await(waitFor(second, Duration.ofSeconds(20)))).isEqualTo(1);
            }
        });
    }

    private static void report(Enum<?> what, Limit limit, int got) {
        System.err.println("ValueUnderLimitTest: " + what + " under " + limit + ": " + got + " of " + ITEMS);
    }
}
