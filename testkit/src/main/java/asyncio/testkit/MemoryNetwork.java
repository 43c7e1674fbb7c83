package asyncio.testkit;

import asyncio.Asyncio;
import asyncio.ColdMono;
import asyncio.EventLoop;
import asyncio.Leftover;
import asyncio.Leftovers;
import asyncio.Suspension;
import asyncio.TimerHandle;
import asyncio.streams.ConnectionHandler;
import asyncio.streams.StreamConnection;
import java.net.BindException;
import java.net.ConnectException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.function.Function;
import java.util.function.IntFunction;
import org.jspecify.annotations.Nullable;
import org.reactivestreams.Publisher;
import reactor.core.CoreSubscriber;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/**
 * Servers and connections in memory, by name instead of host and port: {@link MemoryPair}s, each of which the test can
 * disturb. Create and use it on one running loop.
 *
 * <pre>{@code
 * MemoryNetwork network = new MemoryNetwork(Wire.direct().latency(Duration.ofMillis(20)));
 * network.toClient(number -> number == 1 ? Wire.direct().resetAfter(3) : Wire.direct()); // only the first one breaks
 * try (MemoryServer server = network.startServerBody(new ChatServer()::serve, "chat")) {
 *     ChatClient client = new ChatClient(() -> network.connect("chat"));
 *     await(client.say("hello"));
 * }
 * }</pre>
 */
public final class MemoryNetwork {
    private final EventLoop loop = EventLoop.getRunningLoop();
    private final Map<String, MemoryServer> servers = new HashMap<>();
    private final List<MemoryPair> connections = new ArrayList<>();
    private IntFunction<Wire> toServer;
    private IntFunction<Wire> toClient;
    /** The number of connections requested so far. */
    private int asked;

    /** Like {@link #MemoryNetwork(Wire)}, with {@link Wire#direct()}. */
    public MemoryNetwork() {
        this(Wire.direct());
    }

    /**
     * Creates a network on the running loop, initially with the same wire for both directions of every connection.
     *
     * @throws IllegalStateException if no loop runs on this thread
     */
    public MemoryNetwork(Wire both) {
        toServer = number -> both;
        toClient = number -> both;
    }

    /**
     * Sets the function that chooses the wire from each client to its server when the client begins to connect. The
     * first connection has number 1; refused ones count.
     */
    public void toServer(IntFunction<Wire> wires) {
        toServer = Objects.requireNonNull(wires);
    }

    /** Like {@link #toServer(IntFunction)}, for the wire from the server to each client. */
    public void toClient(IntFunction<Wire> wires) {
        toClient = Objects.requireNonNull(wires);
    }

    /** Returns all connections made so far, in order. */
    public List<MemoryPair> connections() {
        return List.copyOf(connections);
    }

    // ---- serving

    /**
     * Serves connections in Reactor's style, as {@link asyncio.streams.Streams#startServer(Function, String, int)}
     * does.
     *
     * @throws BindException if there is already a server of that name
     */
    public MemoryServer startServer(Function<? super StreamConnection, ? extends Publisher<?>> handler, String name)
            throws BindException {
        return start(
                connection ->
                        Mono.defer(() -> Flux.from(handler.apply(connection)).then()),
                name);
    }

    /**
     * Serves each connection with a body, as {@link asyncio.streams.Streams#startServerBody(ConnectionHandler, String,
     * int)} does.
     *
     * @throws BindException if there is already a server of that name
     */
    public MemoryServer startServerBody(ConnectionHandler handler, String name) throws BindException {
        return start(connection -> Asyncio.async(() -> handler.handle(connection)), name);
    }

    private MemoryServer start(Function<StreamConnection, Mono<Void>> handler, String name) throws BindException {
        MemoryServer server = new MemoryServer(this, loop, name, handler);
        if (servers.putIfAbsent(name, server) != null) {
            throw new BindException("Cannot listen on " + name + ": another server of this network does");
        }
        Leftovers.watch(Leftover.Kind.CONNECTION, server, server::isOpen, Leftovers.site());
        return server;
    }

    void closed(MemoryServer server) {
        servers.remove(server.name(), server);
    }

    // ---- connecting

    /**
     * Connects to a server, which takes the latency of both directions and one tick. Nothing happens until
     * subscription; cancelling closes the connection, even one that was established but not delivered. Fails with
     * {@link ConnectException} if there is no such server, and with {@link IllegalStateException} on a loop other than
     * the network's.
     */
    public Mono<StreamConnection> connect(String name) {
        return new Connect(this, name);
    }

    private StreamConnection accept(String name, int number, Wire toServer, Wire toClient, @Nullable Throwable site)
            throws ConnectException {
        MemoryServer server = servers.get(name);
        if (server == null) {
            throw new ConnectException("Connection refused: there is no server " + name + ", only " + servers.keySet());
        }
        MemoryPair pair = MemoryPair.open("client-" + number, name, toServer, toClient);
        connections.add(pair);
        server.accept(pair.server());
        StreamConnection client = pair.client();
        Leftovers.watch(Leftover.Kind.CONNECTION, client, () -> !client.writer().isClosing(), site);
        return client;
    }

    private static final class Connect extends ColdMono<StreamConnection> {
        private final MemoryNetwork network;
        private final String name;
        private final @Nullable Throwable site = Leftovers.site();

        Connect(MemoryNetwork network, String name) {
            super(Connect.class);
            this.network = network;
            this.name = Objects.requireNonNull(name, "name");
        }

        @Override
        protected void start(CoreSubscriber<? super StreamConnection> actual) {
            actual.onSubscribe(new Connecting(this, actual));
        }

        @Override
        public String toString() {
            return "connect(" + name + ")";
        }
    }

    /**
     * A pending connection. All of it runs on the loop, one thread, so checking the state and changing it needs no
     * lock.
     */
    private static final class Connecting extends Suspension<StreamConnection> {
        private final Connect connect;
        private @Nullable TimerHandle timer;

        Connecting(Connect connect, CoreSubscriber<? super StreamConnection> actual) {
            super(actual, null);
            this.connect = connect;
        }

        @Override
        protected boolean begin() {
            MemoryNetwork network = connect.network;
            if (EventLoop.runningOrNull() != network.loop) {
                return fail(new IllegalStateException("The network belongs to " + network.loop
                        + ": connect there, not on " + EventLoop.runningOrNull()));
            }
            int number = ++network.asked;
            Wire toServer = network.toServer.apply(number);
            Wire toClient = network.toClient.apply(number);
            timer = network.loop.callLater(
                    toServer.latency.plus(toClient.latency), () -> connected(number, toServer, toClient));
            return false;
        }

        private void connected(int number, Wire toServer, Wire toClient) {
            if (!isWaiting()) {
                return;
            }
            boolean settled;
            try {
                settled = grant(connect.network.accept(connect.name, number, toServer, toClient, connect.site));
            } catch (ConnectException e) {
                settled = fail(e);
            }
            if (settled) {
                deliver();
            }
        }

        @Override
        protected void leave() {
            if (timer != null) {
                timer.cancel();
            }
        }

        @Override
        public void giveBack(@Nullable StreamConnection unclaimed) {
            if (unclaimed != null) {
                unclaimed.close();
            }
        }

        @Override
        protected String target() {
            return connect.toString();
        }
    }

    /** {@code <MemoryNetwork servers=[chat] connections=2>}. */
    @Override
    public String toString() {
        return "<MemoryNetwork servers=" + servers.keySet() + " connections=" + connections.size() + ">";
    }
}
