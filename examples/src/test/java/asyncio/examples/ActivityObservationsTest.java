package asyncio.examples;

import static asyncio.Asyncio.async;
import static asyncio.Asyncio.await;
import static asyncio.Asyncio.createTask;
import static asyncio.Asyncio.sleep;
import static asyncio.Asyncio.waitFor;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import asyncio.EventLoop;
import asyncio.Future;
import asyncio.Task;
import asyncio.TimedOutException;
import asyncio.metrics.ActivityObservations;
import asyncio.metrics.TaskObservations;
import asyncio.streams.Protocol;
import asyncio.streams.Server;
import asyncio.streams.StreamConnection;
import asyncio.streams.Streams;
import asyncio.streams.Transport;
import asyncio.streams.Transports;
import asyncio.subprocess.CalledProcessException;
import asyncio.subprocess.Command;
import asyncio.subprocess.Stdio;
import asyncio.subprocess.Subprocess;
import asyncio.subprocess.TimeoutExpiredException;
import io.micrometer.observation.Observation;
import io.micrometer.observation.ObservationHandler;
import io.micrometer.observation.ObservationRegistry;
import io.micrometer.observation.ObservationView;
import io.micrometer.observation.contextpropagation.ObservationThreadLocalAccessor;
import java.io.IOException;
import java.net.ConnectException;
import java.net.ServerSocket;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.stream.Collectors;
import java.util.stream.StreamSupport;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import reactor.core.publisher.Mono;
import reactor.util.context.Context;

/** Observations of connections and of runs of child processes, with their parents and outcomes. */
@Timeout(60)
class ActivityObservationsTest {
    private static final Duration HOUR = Duration.ofHours(1);

    private final EventLoop loop = EventLoop.newEventLoop();
    private final ObservationRegistry registry = ObservationRegistry.create();
    private final List<String> begun = new CopyOnWriteArrayList<>();
    private final List<String> stopped = new CopyOnWriteArrayList<>();
    private Context inRequest = Context.empty();

    @BeforeEach
    void register() {
        registry.observationConfig().observationHandler(new ObservationHandler<Observation.Context>() {
            @Override
            public boolean supportsContext(Observation.Context context) {
                return true;
            }

            @Override
            public void onStart(Observation.Context context) {
                begun.add(context.getContextualName());
            }

            @Override
            public void onStop(Observation.Context context) {
                ObservationView parent = context.getParentObservation();
                String keys = StreamSupport.stream(
                                context.getLowCardinalityKeyValues().spliterator(), false)
                        .map(key -> " " + key.getValue())
                        .collect(Collectors.joining());
                stopped.add(context.getName()
                        + keys
                        + (parent == null
                                ? ""
                                : " in " + parent.getContextView().getContextualName())
                        + (context.getError() == null
                                ? ""
                                : " " + context.getError().getClass().getSimpleName()));
            }
        });
        Observation request = Observation.createNotStarted("request", registry).contextualName("GET");
        inRequest = Context.of(ObservationThreadLocalAccessor.KEY, request);
    }

    @AfterEach
    void close() {
        loop.close();
        assertThat(ProcessHandle.current().children()).isEmpty();
    }

    @Test
    void runsOfChildrenAreObservedWithTheirOutcomesInTheObservationOfTheirSubscriber() throws Exception {
        ActivityObservations.bindTo(registry, loop);
        Task<Void> all = loop.createTask(
                async(() -> {
                    assertThat(await(Subprocess.run(Command.of("echo", "hello")))
                                    .stdout())
                            .hasSize(6);
                    await(Subprocess.run(Command.of("cat"), new byte[] {1}));
                    assertThatThrownBy(() ->
                                    await(Subprocess.run(Command.of("false").check(true))))
                            .isInstanceOf(CalledProcessException.class);
                    assertThatThrownBy(() -> await(
                                    Subprocess.run(Command.of("sleep", "1000").timeout(Duration.ofMillis(20)))))
                            .isInstanceOf(TimeoutExpiredException.class);
                    assertThatThrownBy(() -> await(Subprocess.run(Command.of("/no/such/program"))))
                            .isInstanceOf(IOException.class);
                    assertThatThrownBy(() ->
                                    await(waitFor(Subprocess.run(Command.of("sleep", "2000")), Duration.ofMillis(20))))
                            .isInstanceOf(TimedOutException.class);
                }),
                null,
                inRequest);
        loop.runUntilComplete(all);
        assertThat(stopped)
                .containsExactly(
                        "asyncio.subprocess.run result echo in GET",
                        "asyncio.subprocess.run result cat in GET",
                        "asyncio.subprocess.run exception false in GET CalledProcessException",
                        "asyncio.subprocess.run exception sleep in GET TimeoutExpiredException",
                        "asyncio.subprocess.run exception /no/such/program in GET IOException",
                        "asyncio.subprocess.run cancelled sleep in GET");
        assertThat(begun).hasSize(6);
    }

    @Test
    void aRunOffTheLoopsIsObservedOnASharedOne() {
        List<ActivityObservations> all = new ArrayList<>();
        EventLoop.shared().forEach(shared -> all.add(ActivityObservations.bindTo(registry, shared)));
        try {
            Subprocess.run(Command.of("echo")).contextWrite(inRequest).block();
            assertThat(stopped).containsExactly("asyncio.subprocess.run result echo in GET");
        } finally {
            all.forEach(ActivityObservations::dispose);
        }
    }

    @Test
    void withoutABindingNothingIsObserved() throws Exception {
        loop.runUntilComplete(async(() -> {
            await(Subprocess.run(Command.of("echo")));
            try (Server server =
                            await(Streams.startServer(client -> Mono.fromRunnable(client::close), "127.0.0.1", 0));
                    StreamConnection client = await(Streams.openConnection("127.0.0.1", server.port()))) {
                await(client.reader().readAll());
            }
        }));
        assertThat(begun).isEmpty();
    }

    @Test
    void aConnectionIsObservedOnBothSidesFromItsBeginningToItsClose() throws Exception {
        ActivityObservations.bindTo(registry, loop);
        TaskObservations.bindTo(registry, loop);
        loop.runUntilComplete(async(() -> {
            Server server = await(Streams.startServer(
                    client -> async(() -> {
                        await(createTask(sleep(Duration.ZERO), "query"));
                        client.writer().write("done");
                        client.close();
                    }),
                    "127.0.0.1",
                    0));
            StreamConnection client =
                    await(Streams.openConnection("127.0.0.1", server.port()).contextWrite(inRequest));
            assertThat(begun).contains("client connection");
            assertThat(stopped).doesNotContain("asyncio.connection result client in GET");
            await(client.reader().readAll());
            client.close();
            await(client.writer().waitClosed());
            await(server.closeAndWait());
        }));
        assertThat(stopped)
                .containsExactlyInAnyOrder(
                        "asyncio.task result query in server connection",
                        "asyncio.connection result server",
                        "asyncio.connection result client in GET");
    }

    @Test
    void theHandlersExceptionAndARefusedConnectionAreTheirErrors() throws Exception {
        ActivityObservations.bindTo(registry, loop);
        loop.setExceptionHandler((l, what) -> {});
        int closedPort;
        try (ServerSocket socket = new ServerSocket(0)) {
            closedPort = socket.getLocalPort();
        }
        loop.runUntilComplete(async(() -> {
            assertThatThrownBy(() -> await(Streams.openConnection("127.0.0.1", closedPort)))
                    .isInstanceOf(ConnectException.class);
            Server server = await(Streams.startServer(
                    client -> Mono.error(new UnsupportedOperationException("boom")), "127.0.0.1", 0));
            try (StreamConnection client = await(Streams.openConnection("127.0.0.1", server.port()))) {
                await(client.reader().readAll());
            }
            await(server.closeAndWait());
        }));
        assertThat(stopped.get(0)).matches("asyncio.connection exception client .*ConnectException");
        assertThat(stopped.subList(1, stopped.size()))
                .containsExactlyInAnyOrder(
                        "asyncio.connection exception server UnsupportedOperationException",
                        "asyncio.connection result client");
    }

    /** Keeps the context in which it was connected. */
    private final class Greeting implements Protocol {
        private final Future<String> parent = loop.createFuture();

        @Override
        public void connectionMade(Transport transport) {
            Observation here = asyncio.Asyncio.currentContext().get(ObservationThreadLocalAccessor.KEY);
            parent.setResult(here.getContextView().getContextualName());
            transport.close();
        }
    }

    @Test
    void protocolsAreCalledInTheObservationOfTheirConnection() throws Exception {
        ActivityObservations.bindTo(registry, loop);
        loop.runUntilComplete(async(() -> {
            Greeting greeting = new Greeting();
            Server server = await(Transports.createServer(() -> greeting, "127.0.0.1", 0));
            Greeting client = await(Transports.createConnection(Greeting::new, "127.0.0.1", server.port())
                            .contextWrite(inRequest))
                    .protocol();
            assertThat(await(greeting.parent)).isEqualTo("server connection");
            assertThat(await(client.parent)).isEqualTo("client connection");
            await(server.closeAndWait());
        }));
        assertThat(stopped)
                .containsExactlyInAnyOrder(
                        "asyncio.connection result server", "asyncio.connection result client in GET");
    }

    @Test
    void whatIsUnderWayIsObservedToItsEndAfterTheBindingHasEnded() throws Exception {
        ActivityObservations observations = ActivityObservations.bindTo(registry, loop);
        loop.runUntilComplete(async(() -> {
            Server server = await(Streams.startServer(client -> sleep(HOUR), "127.0.0.1", 0));
            StreamConnection before = await(Streams.openConnection("127.0.0.1", server.port()));
            observations.dispose();
            assertThat(observations.isDisposed()).isTrue();
            StreamConnection after = await(Streams.openConnection("127.0.0.1", server.port()));
            after.close();
            before.close();
            await(before.writer().waitClosed());
            await(after.writer().waitClosed());
            await(server.shutdown(Duration.ZERO));
        }));
        assertThat(stopped)
                .contains("asyncio.connection result client")
                .hasSameSizeAs(begun)
                .hasSizeBetween(1, 2);
    }

    @Test
    void pipesOfChildrenAreNoConnections() throws Exception {
        ActivityObservations.bindTo(registry, loop);
        loop.runUntilComplete(async(() -> {
            await(Subprocess.use(Command.of("cat").stdin(Stdio.PIPE).stdout(Stdio.PIPE), cat -> {
                assertThat(loop.statistics().connections()).isZero();
                assertThat(loop.statistics().children()).isEqualTo(1);
                return cat.communicate(new byte[] {1});
            }));
        }));
        assertThat(loop.statistics().children()).isZero();
        assertThat(begun).isEmpty();
    }
}
