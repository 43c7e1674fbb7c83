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
 * A server of a {@link MemoryNetwork}. Each connection is handled in a task of its own. When a handler ends, its
 * connection stays open: close its writer. What a handler throws goes to the loop's exception handler, and its
 * connection is closed; so it is when its task is cancelled. To be used on its loop.
 *
 * <p>asyncio: {@code Server}.
 */
public final class MemoryServer implements AutoCloseable {
    private final MemoryNetwork network;
    private final EventLoop loop;
    private final String name;
    private final Function<StreamConnection, Mono<Void>> handler;
    /** That of who has started it, not of who happens to connect. */
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

    /** The name that clients connect to. */
    public String name() {
        return name;
    }

    /** The connections that are open, in the order they came. */
    public List<StreamConnection> clients() {
        return List.copyOf(clients);
    }

    /** Takes no more connections, and keeps the clients. Closing twice does nothing. */
    @Override
    public void close() {
        closed = true;
        network.closed(this);
        finishIfDone();
    }

    /** Whether anything is to be closed yet; what is closed and stalls in a wire is the wire's affair. */
    boolean isOpen() {
        return !closed || clients.stream().anyMatch(client -> !client.writer().isClosing());
    }

    private void finishIfDone() {
        if (closed && clients.isEmpty()) {
            finished.trySetResult(null);
        }
    }

    /**
     * Waits until the server is closed and the last of its clients gone. Nothing happens until subscription; cancelling
     * stops waiting. Never fails.
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
