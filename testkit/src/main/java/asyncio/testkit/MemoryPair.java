package asyncio.testkit;

import asyncio.EventLoop;
import asyncio.Leftover;
import asyncio.Leftovers;
import asyncio.streams.StreamConnection;
import io.netty.channel.DefaultChannelPromise;
import io.netty.channel.local.LocalAddress;
import java.net.SocketAddress;
import reactor.core.Disposable;
import reactor.netty.Connection;

/**
 * Two ends of a connection that exists only in memory: the code under test gets one of them and cannot tell it from a
 * TCP connection; the test has the other and controls the bytes under way. It needs no sockets, threads or real time:
 * everything happens in steps and timers of the loop, so it works in virtual time too.
 *
 * <p>It ends like a TCP connection. Closing an end with unread bytes resets it, as does writing to a closed end; a
 * reset is received as a {@link asyncio.streams.ConnectionResetException}. Closing the loop closes both ends.
 *
 * <p><b>Threading.</b> Open it on a running loop, such as in a body, and use it on that loop; the connections' own
 * methods have their usual threading rules.
 *
 * <pre>{@code
 * try (MemoryPair pair = MemoryPair.open(Wire.direct().chunks(1))) {
 *     Task<Reply> reply = createTask(new Client(pair.client()).ask("PING"));
 *     assertThat(await(pair.server().reader().readLine())).asString().isEqualTo("PING\n");
 *     pair.server().writer().write("PONG\n");
 *     assertThat(await(reply)).isEqualTo(new Reply("PONG"));
 * }
 * }</pre>
 */
public final class MemoryPair implements AutoCloseable {
    /** The default limit of a reader. */
    private static final int LIMIT = 64 * 1024;

    private final StreamConnection client;
    private final StreamConnection server;
    private final Transit toServer;
    private final Transit toClient;
    private final Disposable withLoop;

    /** Like {@link #open(Wire)}, with {@link Wire#direct()}. */
    public static MemoryPair open() {
        return open(Wire.direct());
    }

    /** Like {@link #open(Wire, Wire)}, the same in both directions. */
    public static MemoryPair open(Wire both) {
        return open(both, both);
    }

    /**
     * Opens two connected ends on the running loop. The bytes of each direction are counted separately.
     *
     * @throws IllegalStateException if no loop runs on this thread
     */
    public static MemoryPair open(Wire toServer, Wire toClient) {
        return open(toServer, toClient, LIMIT);
    }

    /**
     * Like {@link #open(Wire, Wire)}, with the limit of both readers: the longest line, in bytes; twice that is
     * buffered before bytes stay in the wire.
     */
    public static MemoryPair open(Wire toServer, Wire toClient, int limit) {
        MemoryPair pair = new MemoryPair(false, "client", "server", toServer, toClient, limit);
        Leftovers.watch(Leftover.Kind.CONNECTION, pair, pair::isOpen, Leftovers.site());
        return pair;
    }

    static MemoryPair open(String clientName, String serverName, Wire toServer, Wire toClient) {
        return new MemoryPair(false, clientName, serverName, toServer, toClient, LIMIT);
    }

    /** Opens a pair with one direction in use, which is closed when that has ended; the client is this process. */
    static MemoryPair pipe(String name, Wire wire, int limit) {
        return new MemoryPair(true, "pipe", name, wire, wire, limit);
    }

    private MemoryPair(boolean pipe, String clientName, String serverName, Wire toServer, Wire toClient, int limit) {
        EventLoop loop = EventLoop.getRunningLoop();
        String limitSetting = pipe ? "Command.limit" : "MemoryPair.open";
        SocketAddress clientAddress = new LocalAddress(clientName);
        SocketAddress serverAddress = new LocalAddress(serverName);
        MemoryChannel clientEnd = new MemoryChannel(null, pipe, clientAddress, serverAddress);
        MemoryChannel serverEnd = new MemoryChannel(clientEnd, pipe, serverAddress, clientAddress);
        this.toServer = new Transit(loop.netty(), clientEnd, serverEnd, toServer);
        this.toClient = new Transit(loop.netty(), serverEnd, clientEnd, toClient);
        clientEnd.connect(this.toClient, this.toServer);
        serverEnd.connect(this.toServer, this.toClient);
        this.client = register(loop, clientEnd, limit, limitSetting);
        this.server = register(loop, serverEnd, limit, limitSetting);
        this.withLoop = loop.onClose(() -> {
            clientEnd.close();
            serverEnd.close();
        });
        clientEnd.closeFuture().addListener(closed -> forgetIfOver());
        serverEnd.closeFuture().addListener(closed -> forgetIfOver());
        this.toServer.breakIfDue();
        this.toClient.breakIfDue();
    }

    private static StreamConnection register(EventLoop loop, MemoryChannel end, int limit, String limitSetting) {
        end.unsafe()
                .register(
                        loop.netty(),
                        new DefaultChannelPromise(end, loop.netty())); // takes effect immediately: the loop runs here
        return StreamConnection.from(Connection.from(end), limit, limitSetting);
    }

    private void forgetIfOver() {
        if (!client.writer().channel().isOpen() && !server.writer().channel().isOpen()) {
            withLoop.dispose();
            toServer.forget();
            toClient.forget();
        }
    }

    /** Closes the client's end of a {@link #pipe}; the bytes sent to it can still be read. */
    void finishClient() {
        ((MemoryChannel) client.writer().channel()).readRest();
    }

    private boolean isOpen() {
        return !client.writer().isClosing() || !server.writer().isClosing();
    }

    /** Returns the connecting end. */
    public StreamConnection client() {
        return client;
    }

    /** Returns the accepting end. */
    public StreamConnection server() {
        return server;
    }

    /** Returns the bytes under way from the client to the server. */
    public Transit toServer() {
        return toServer;
    }

    /** Returns the bytes under way from the server to the client. */
    public Transit toClient() {
        return toClient;
    }

    /** Breaks the connection: both ends receive a reset in the next tick, and the bytes under way are lost. */
    public void reset() {
        toServer.breakNow();
        toClient.breakNow();
    }

    /** Closes both ends, each after sending the bytes it has written; see {@link StreamConnection#close}. */
    @Override
    public void close() {
        client.close();
        server.close();
    }

    /** {@code <MemoryPair <Transit ...> <Transit ...>>}. */
    @Override
    public String toString() {
        return "<MemoryPair " + toServer + " " + toClient + ">";
    }
}
