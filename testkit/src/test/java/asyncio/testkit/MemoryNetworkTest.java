package asyncio.testkit;

import static asyncio.Asyncio.async;
import static asyncio.Asyncio.await;
import static asyncio.Asyncio.createTask;
import static asyncio.Asyncio.sleep;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import asyncio.CancelledException;
import asyncio.ContextVar;
import asyncio.EventLoop;
import asyncio.ExceptionContext;
import asyncio.Task;
import asyncio.VirtualTime;
import asyncio.streams.LeakCheck;
import asyncio.streams.StreamConnection;
import java.net.BindException;
import java.net.ConnectException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;

@Timeout(value = 20, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
@ExtendWith(LeakCheck.class)
class MemoryNetworkTest {
    private static String line(StreamConnection connection) throws Exception {
        byte[] line = await(connection.reader().readLine());
        return line == null ? "the end" : new String(line, UTF_8).strip();
    }

    /** Sends each client's messages to all others. */
    private static final class Chat {
        private final Map<String, StreamConnection> members = new LinkedHashMap<>();

        void serve(StreamConnection connection) throws Exception {
            try (connection) {
                String name = line(connection);
                members.put(name, connection);
                for (String said; !(said = line(connection)).equals("the end"); ) {
                    for (Map.Entry<String, StreamConnection> member : members.entrySet()) {
                        if (!member.getKey().equals(name)) {
                            member.getValue().writer().write(name + ": " + said + "\n");
                        }
                    }
                }
                members.remove(name);
            }
        }
    }

    @Test
    void aChatWithoutPorts() throws Exception {
        VirtualTime.run(() -> {
            MemoryNetwork network = new MemoryNetwork(
                    Wire.direct().latency(Duration.ofMillis(10)).chunks(3));
            Chat chat = new Chat();
            try (MemoryServer server = network.startServerBody(chat::serve, "chat");
                    StreamConnection ada = await(network.connect("chat"));
                    StreamConnection bob = await(network.connect("chat"))) {
                ada.writer().write("ada\n");
                bob.writer().write("bob\n");
                await(sleep(Duration.ofMillis(50)));
                ada.writer().write("hello\n");
                assertThat(line(bob)).isEqualTo("ada: hello");
                bob.writer().write("hi\nhow are you?\n");
                assertThat(line(ada)).isEqualTo("bob: hi");
                assertThat(line(ada)).isEqualTo("bob: how are you?");
                assertThat(server.clients()).hasSize(2);
                ada.close();
                bob.close();
                server.close();
                await(server.waitClosed());
                assertThat(chat.members).isEmpty();
                assertThat(server).hasToString("<MemoryServer chat closed clients=0>");
            }
        });
    }

    @Test
    void connectingTakesARoundTripAndMayBeRefused() throws Exception {
        VirtualTime.run(() -> {
            MemoryNetwork network = new MemoryNetwork(Wire.direct().latency(Duration.ofMillis(10)));
            EventLoop loop = EventLoop.getRunningLoop();
            Duration start = loop.time();
            assertThatThrownBy(() -> await(network.connect("nobody")))
                    .isInstanceOf(ConnectException.class)
                    .hasMessageContaining("nobody");
            assertThat(loop.time().minus(start)).isEqualTo(Duration.ofMillis(20));
            try (MemoryServer server = network.startServer(
                    connection -> connection
                            .writer()
                            .writeFrom(connection.reader().lines())
                            .doFinally(end -> connection.close()),
                    "echo")) {
                assertThatThrownBy(() -> network.startServerBody(connection -> {}, "echo"))
                        .isInstanceOf(BindException.class);
                try (StreamConnection connection = await(network.connect("echo"))) {
                    connection.writer().write("x\n");
                    assertThat(line(connection)).isEqualTo("x");
                    assertThat(loop.time().minus(start)).isEqualTo(Duration.ofMillis(60));
                }
            }
            assertThatThrownBy(() -> await(network.connect("echo"))).isInstanceOf(ConnectException.class);
        });
    }

    @Test
    void aConnectThatIsCancelledLeavesNoConnection() throws Exception {
        VirtualTime.run(() -> {
            EventLoop loop = EventLoop.getRunningLoop();
            List<String> served = new ArrayList<>();
            MemoryNetwork network = new MemoryNetwork();
            try (MemoryServer server = network.startServerBody(
                    connection -> {
                        try (connection) {
                            served.add(line(connection));
                        }
                    },
                    "server")) {
                for (int ticks = 0; ticks < 4; ticks++) {
                    Task<StreamConnection> connect = createTask(async(() -> await(network.connect("server"))));
                    for (int i = 0; i < ticks; i++) {
                        await(sleep(Duration.ZERO));
                    }
                    connect.cancel();
                    try {
                        await(connect).close(); // it came first
                    } catch (CancelledException e) {
                        // or the cancellation
                    }
                    await(sleep(Duration.ofSeconds(1)));
                }
                assertThat(network.connections()).isNotEmpty();
                assertThat(served).hasSameSizeAs(network.connections()).containsOnly("the end");
                assertThat(server.clients()).isEmpty();
            }
            assertThat(loop.dumpTasks()).contains(": 1 task");
        });
    }

    @Test
    void aHandlerThatFailsIsReportedAndItsConnectionClosed() throws Exception {
        VirtualTime.run(() -> {
            List<ExceptionContext> reported = new ArrayList<>();
            EventLoop.getRunningLoop().setExceptionHandler((loop, what) -> reported.add(what));
            MemoryNetwork network = new MemoryNetwork();
            try (MemoryServer server = network.startServerBody(
                            connection -> {
                                throw new IllegalStateException("planted");
                            },
                            "bad");
                    StreamConnection connection = await(network.connect("bad"))) {
                assertThat(line(connection)).isEqualTo("the end");
            }
            assertThat(reported).singleElement().satisfies(what -> {
                assertThat(what.message()).contains("handler of <StreamConnection local:bad -> local:client-1");
                assertThat(what.exception()).hasMessage("planted");
            });
        });
    }

    @Test
    void aHandlerHasTheContextOfTheServerAndNotOfTheClient() throws Exception {
        VirtualTime.run(() -> {
            ContextVar<String> who = ContextVar.of("who", "nobody");
            MemoryNetwork network = new MemoryNetwork();
            who.set("server");
            try (MemoryServer server = network.startServerBody(
                    connection -> {
                        try (connection) {
                            connection.writer().write(who.get() + "\n");
                        }
                    },
                    "server")) {
                who.set("client");
                try (StreamConnection connection = await(network.connect("server"))) {
                    assertThat(line(connection)).isEqualTo("server");
                }
            }
        });
    }

    @Test
    void eachConnectionHasTheWiresOfItsNumber() throws Exception {
        VirtualTime.run(() -> {
            MemoryNetwork network = new MemoryNetwork();
            network.toClient(number -> number == 1 ? Wire.direct().resetAfter(0) : Wire.direct());
            try (MemoryServer server = network.startServerBody(
                    connection -> {
                        try (connection) {
                            connection.writer().write("welcome\n");
                        }
                    },
                    "server")) {
                try (StreamConnection first = await(network.connect("server"))) {
                    assertThatThrownBy(() -> line(first)).hasMessage("Connection reset");
                }
                try (StreamConnection second = await(network.connect("server"))) {
                    assertThat(line(second)).isEqualTo("welcome");
                }
            }
        });
    }
}
