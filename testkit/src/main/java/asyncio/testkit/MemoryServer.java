package asyncio.testkit;

import asyncio.Asyncio;
import asyncio.EventLoop;
import asyncio.ExceptionContext;
import asyncio.Future;
import asyncio.Task;
import asyncio.streams.StreamConnection;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.function.Function;
import reactor.core.publisher.Mono;
import reactor.util.context.ContextView;

/**
 * A server of a {@link MemoryNetwork}. Each connection is handled in a separate task. When a handler ends, its
 * connection stays open: close its writer. If a handler throws, its exception goes to the loop's exception handler and
 * its connection is closed; the connection is also closed if the task is cancelled. Use the server only on its loop.
 *
 * <pre>{@code
 * MemoryNetwork network = new MemoryNetwork();
 * try (MemoryServer server = network.startServerBody(connection -> connection.writer().write("hello\n"), "greeter")) {
 *     StreamConnection client = await(network.connect("greeter"));
 *     String line = new String(await(client.reader().readLine()), UTF_8); // "hello\n"
 * }
 * }</pre>
 *
 * <p>asyncio: {@code Server}.
 */
public final class MemoryServer implements AutoCloseable {
    private final MemoryNetwork network;
    private final EventLoop loop;
    private final String name;
    private final Function<StreamConnection, Mono<Void>> handler;
    /** The context of the code that started the server, not that of a client. */
    private final ContextView context = Asyncio.currentContext();

    private final Set<StreamConnection> clients = new LinkedHashSet<>();
    private final Future<Void> finished = new Future<>();
    private boolean closed;

    MemoryServer(MemoryNetwork network, EventLoop loop, String name, Function<StreamConnection, Mono<Void>> handler) {
        this.network = network;
        this.loop = loop;
        this.name = name;
        this.handler = handler;
    }

    void accept(StreamConnection connection) {
        clients.add(connection);
        connection.writer().channel().closeFuture().addListener(gone -> {
            clients.remove(connection);
            finishIfDone();
        });
        Task<Void> task = loop.createTask(handler.apply(connection), null, context);
        task.addDoneCallback(done -> handled(connection, done));
    }

    private void handled(StreamConnection connection, Future<Void> task) {
        Throwable error = task.cancelled() ? null : task.exception();
        if (error != null) {
            loop.callExceptionHandler(ExceptionContext.of("Unhandled exception in the handler of " + connection)
                    .exception(error)
                    .transport(connection)
                    .future(task)
                    .build());
        }
        if (task.cancelled() || error != null) {
            connection.close();
        }
    }

    /** Returns the name that clients connect to. */
    public String name() {
        return name;
    }

    /** Returns the open connections, in the order in which they were accepted. */
    public List<StreamConnection> clients() {
        return List.copyOf(clients);
    }

    /** Accepts no more connections, but keeps the open ones. Closing it again does nothing. */
    @Override
    public void close() {
        closed = true;
        network.closed(this);
        finishIfDone();
    }

    /** Returns whether there is anything left to close; a closed connection that stalls in a wire does not count. */
    boolean isOpen() {
        return !closed || clients.stream().anyMatch(client -> !client.writer().isClosing());
    }

    private void finishIfDone() {
        if (closed && clients.isEmpty()) {
            finished.trySetResult(null);
        }
    }

    /**
     * Waits until the server is closed and its last client is gone. Nothing happens until subscription; cancelling only
     * stops the wait. Never fails.
     */
    public Mono<Void> waitClosed() {
        return Mono.defer(() -> finished);
    }

    /** {@code <MemoryServer chat clients=2>}. */
    @Override
    public String toString() {
        return "<MemoryServer " + name + (closed ? " closed" : "") + " clients=" + clients.size() + ">";
    }
}
