package asyncio.testkit;

import static asyncio.Asyncio.async;
import static asyncio.Asyncio.await;
import static asyncio.Asyncio.createTask;
import static asyncio.Asyncio.sleep;
import static org.assertj.core.api.Assertions.assertThat;

import asyncio.EventLoop;
import asyncio.Leftover;
import asyncio.streams.Server;
import asyncio.streams.StreamConnection;
import asyncio.streams.Streams;
import asyncio.subprocess.Command;
import asyncio.subprocess.Launcher;
import asyncio.subprocess.Subprocess;
import asyncio.sync.Lock;
import asyncio.sync.Permit;
import asyncio.sync.Semaphore;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufAllocator;
import io.netty.buffer.Unpooled;
import java.time.Duration;
import java.util.Objects;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import reactor.core.publisher.Mono;

/** Leftovers of tests, each found by a test that leaves one. */
@Timeout(120)
class LeaksTest {
    /** Has non-daemon threads, like most pools. */
    private static final AtomicReference<@Nullable ExecutorService> POOL = new AtomicReference<>();

    static class Leaking {
        @AsyncioTest
        void task() throws Exception {
            createTask(sleep(Duration.ofHours(1)), "forgotten");
        }

        @AsyncioTest
        void coroutine() throws Exception {
            Mono<Void> pause = sleep(Duration.ofHours(1));
            assertThat(pause).isNotNull();
        }

        @AsyncioTest
        void collected() throws Exception {
            sleep(Duration.ofHours(1)).hashCode();
            for (int i = 0; i < 20; i++) { // whether or not the collector finds it and the watchdog looks
                System.gc();
                Thread.yield();
            }
        }

        @AsyncioTest
        void exception() throws Exception {
            createTask(async(() -> {
                throw new IllegalStateException("planted");
            }));
            await(sleep(Duration.ofSeconds(1)));
        }

        @AsyncioTest
        void callback() throws Exception {
            EventLoop.getRunningLoop().callSoon(() -> {
                throw new IllegalStateException("planted");
            });
        }

        @AsyncioTest
        void lock() throws Exception {
            Lock lock = new Lock();
            Permit permit = await(lock.acquire());
            assertThat(permit.isReleased()).isFalse();
        }

        @AsyncioTest
        void contended() throws Exception {
            Lock lock = new Lock();
            Permit first = await(lock.acquire());
            EventLoop.getRunningLoop().callSoon(first::release);
            await(lock.acquire());
        }

        @AsyncioTest
        void semaphoreOfOperators() throws Exception {
            Semaphore semaphore = new Semaphore(2);
            await(createTask(semaphore.acquire().map(Permit::permits)));
        }

        @AsyncioTest
        void server() throws Exception {
            await(Streams.startServerBody(connection -> {}, "127.0.0.1", 0));
        }

        @AsyncioTest
        void connection() throws Exception {
            Server server = await(Streams.startServerBody(
                    connection -> {
                        await(connection.reader().readAll());
                        connection.close();
                    },
                    "127.0.0.1",
                    0));
            StreamConnection client = await(Streams.openConnection("127.0.0.1", server.port()));
            assertThat(client).isNotNull();
            server.close();
        }

        @AsyncioTest
        void buffer() throws Exception {
            ByteBuf buffer = ByteBufAllocator.DEFAULT.buffer(100);
            buffer.writeByte(1);
        }

        @AsyncioTest
        void thread() throws Exception {
            ExecutorService pool = Executors.newSingleThreadExecutor();
            POOL.set(pool);
            await(EventLoop.getRunningLoop().runInExecutor(pool, () -> 1));
        }

        @AsyncioTest
        void memoryServer() throws Exception {
            new MemoryNetwork().startServerBody(StreamConnection::close, "chat");
        }

        @AsyncioTest
        void memoryConnection() throws Exception {
            MemoryNetwork network = new MemoryNetwork();
            try (MemoryServer server = network.startServerBody(StreamConnection::close, "chat")) {
                assertThat(server.name()).isEqualTo("chat");
                await(network.connect("chat"));
            }
        }

        @AsyncioTest
        void memoryPair() throws Exception {
            MemoryPair.open().client().close();
        }

        @AsyncioTest
        void child() throws Exception {
            await(Subprocess.start(Command.of("sleep", "1000")));
        }

        @AsyncioTest
        void fakeChild() throws Exception {
            FakeProcesses fakes = new FakeProcesses().program("sleep", process -> {
                await(sleep(Duration.ofHours(1)));
                return 0;
            });
            Launcher.CURRENT.set(fakes);
            await(Subprocess.start(Command.of("sleep", "1000")));
        }

        @AsyncioTest
        void failsAsWell() throws Exception {
            createTask(sleep(Duration.ofHours(1)), "forgotten");
            throw new AssertionError("the test's own");
        }

        @AsyncioTest
        @IgnoreLeaks({Leftover.Kind.TASK, Leftover.Kind.COROUTINE})
        void ignored() throws Exception {
            createTask(sleep(Duration.ofHours(1)), "forgotten");
            sleep(Duration.ofHours(1)).hashCode();
        }

        @AsyncioTest
        void doesNotEnd() throws Exception {
            createTask(
                    async(() -> {
                        try {
                            await(sleep(Duration.ofHours(1)));
                        } finally {
                            await(EventLoop.getRunningLoop().<Void>createFuture());
                        }
                    }),
                    "stubborn");
            await(sleep(Duration.ZERO));
        }
    }

    static class Clean {
        /** Like HTTP's line ends: allocated by the first test that uses them. */
        private static final class Constants {
            static final ByteBuf LINE_END = Unpooled.unreleasableBuffer(Unpooled.directBuffer(2));
        }

        @AsyncioTest
        void nothingIsLeft() throws Exception {
            Lock lock = new Lock();
            Semaphore semaphore = new Semaphore(1);
            try (var permit = await(lock.acquire())) {
                assertThat(permit).isNotNull();
            }
            await(lock.acquire());
            lock.release();
            await(semaphore.acquire());
            semaphore.release(); // by hand
            await(createTask(semaphore.acquire().doOnNext(Permit::release).then()));
            await(semaphore.withPermit(sleep(Duration.ofSeconds(1))));
            Server server = await(Streams.startServerBody(
                    connection -> {
                        await(connection.reader().readAll());
                        connection.close();
                    },
                    "127.0.0.1",
                    0));
            try (StreamConnection client = await(Streams.openConnection("127.0.0.1", server.port()))) {
                client.writer().write("hello");
                await(client.writer().drain());
            }
            await(server.closeAndWait());
            try (MemoryPair pair = MemoryPair.open(Wire.direct().stallAfter(0))) {
                pair.client().writer().write("never arrives");
            }
            ByteBufAllocator.DEFAULT.buffer(100).release();
            assertThat(Constants.LINE_END.refCnt()).isEqualTo(1);
            Thread thread = new Thread(() -> {});
            thread.start();
            createTask(sleep(Duration.ofHours(1))).cancel();
        }
    }

    @Test
    void aCleanTestPasses() {
        Jupiter.run(Clean.class)
                .testEvents()
                .assertStatistics(tests -> tests.succeeded(1).failed(0));
    }

    @ParameterizedTest(name = "{0}")
    @CsvSource(delimiter = '|', textBlock = """
                    task                 | TASK       | - forgotten waits for sleep(PT1H) created at LeaksTest.java:
                    coroutine            | COROUTINE  | sleep(...) made at asyncio.testkit.LeaksTest$Leaking.coroutine(
                    collected            | COROUTINE  | sleep(...) made at asyncio.testkit.LeaksTest$Leaking.collected(
                    exception            | EXCEPTION  | Task exception was never retrieved
                    callback             | EXCEPTION  | java.lang.IllegalStateException: planted
                    lock                 | PERMIT     | <permit of <Lock [locked]>>
                    contended            | PERMIT     | <permit of <Lock [locked]>>
                    semaphoreOfOperators | PERMIT     | <a permit of <Semaphore [unlocked, value:1]>>
                    server               | CONNECTION | <Server sockets=[/127.0.0.1:
                    connection           | CONNECTION | <StreamWriter /127.0.0.1:
                    buffer               | BUFFER     | ridx: 0, widx: 1
                    memoryServer         | CONNECTION | <MemoryServer chat clients=0>
                    memoryConnection     | CONNECTION | <StreamConnection local:client-1 -> local:chat open>
                    memoryPair           | CONNECTION | <MemoryPair <Transit
                    child                | PROCESS    | <Subprocess sleep, pid
                    fakeChild            | PROCESS    | <Subprocess sleep, pid 1, running>
                    """)
    void eachKindIsFoundWithItsPlace(String method, Leftover.Kind kind, String description) {
        assertThat(Jupiter.failureOf(Leaking.class, method + "()")).isInstanceOfSatisfying(LeakError.class, error -> {
            assertThat(error)
                    .hasMessageContaining(description)
                    .hasMessageContaining(
                            "Leaking." + method + "() at virtual time PT" + (method.equals("exception") ? "1S" : "0S"))
                    .hasMessageContaining("LeaksTest.java:");
            assertThat(error.leftovers()).extracting(Leftover::kind).contains(kind);
        });
    }

    @Test
    void exceptionsAreSuppressedInTheReport() {
        assertThat(Jupiter.failureOf(Leaking.class, "exception()").getSuppressed())
                .singleElement()
                .isInstanceOf(IllegalStateException.class);
    }

    @Test
    void aThreadThatGoesOnIsFound() {
        try {
            assertThat(Jupiter.failureOf(Leaking.class, "thread()"))
                    .isInstanceOf(LeakError.class)
                    .hasMessageContaining("threads that have not ended")
                    .hasMessageContaining("pool-");
        } finally {
            Objects.requireNonNull(POOL.get()).shutdown();
        }
    }

    @Test
    void theTestsOwnFailureComesFirst() {
        Throwable failure = Jupiter.failureOf(Leaking.class, "failsAsWell()");
        assertThat(failure).isExactlyInstanceOf(AssertionError.class).hasMessage("the test's own");
        assertThat(failure.getSuppressed())
                .singleElement()
                .satisfies(
                        leak -> assertThat(leak).isInstanceOf(LeakError.class).hasMessageContaining("forgotten"));
    }

    @Test
    void whatIsIgnoredIsNotReported() {
        Jupiter.run(Leaking.class, "ignored()")
                .testEvents()
                .assertStatistics(tests -> tests.succeeded(1).failed(0));
    }

    @Test
    void aTaskThatResistsCancellationDoesNotHoldTheTest() {
        assertThat(Jupiter.failureOf(Leaking.class, "doesNotEnd()"))
                .isInstanceOf(LeakError.class)
                .hasMessageContaining("Tasks that were cancelled at the end of the test and do not end")
                .hasMessageContaining("- stubborn, being cancelled, waits for <Future pending");
    }
}
