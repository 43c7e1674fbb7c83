package asyncio.streams;

import asyncio.Activities;
import asyncio.Activity;
import asyncio.CancelledException;
import asyncio.EventLoop;
import asyncio.ExceptionContext;
import asyncio.Future;
import asyncio.Log;
import asyncio.Task;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Mono;
import reactor.util.context.ContextView;

/** A client of {@link Streams#startServer}: a reader and a writer, handled by a task. */
record HandledClient(
        StreamConnection transport,
        EventLoop loop,
        Function<StreamConnection, Mono<Void>> handler,
        ContextView context,
        @Nullable Activity activity)
        implements ServerClient {

    /** Returns the acceptor for a server with this handler. */
    static Acceptor acceptor(
            EventLoop loop, ServeOptions options, Function<StreamConnection, Mono<Void>> handler, ContextView context) {
        return accepted -> {
            StreamConnection connection =
                    StreamConnection.from(accepted, options.limit, "the limit of startServer (ServeOptions.limit)");
            Activity activity = Activities.begin(
                    loop, Activity.Kind.SERVER, accepted.channel().remoteAddress(), context);
            return new HandledClient(
                    connection, loop, handler, activity == null ? context : activity.getContext(), activity);
        };
    }

    /** Connections are told apart by identity: the hash of a context may change. */
    @Override
    public boolean equals(@Nullable Object other) {
        return this == other;
    }

    @Override
    public int hashCode() {
        return System.identityHashCode(this);
    }

    @Override
    public StreamHandler stream() {
        return transport.handler();
    }

    /** On the loop: its reader tells when the handler waits for another request. */
    @Override
    public void closeOnceIdle() {
        stream().reader().whenIdle(stream()::requestClose);
    }

    @Override
    public @Nullable Task<Void> established() {
        Task<Void> task;
        try {
            task = loop.createTask(handler.apply(transport), null, context);
        } catch (Throwable e) { // from the handler function or a task factory
            Activities.end(activity, e);
            transport.close();
            report("Cannot handle " + transport, e, null);
            return null;
        }
        task.addDoneCallback(this::handled);
        return task;
    }

    private void handled(Future<Void> task) {
        Throwable error = task.cancelled() ? null : task.exception();
        if (task.cancelled()) {
            Activities.end(activity, new CancelledException("The handler of " + transport + " was cancelled"));
        } else if (error != null) {
            Activities.end(activity, error);
        }
        if (error != null && PeerErrors.isRoutine(error)) {
            Log.info("The handler of " + transport + " has ended because a peer is gone: "
                    + Log.message(PeerErrors.firstOf(error)));
        } else if (error != null) {
            report("Unhandled exception in the handler of " + transport, error, task);
        }
        if (task.cancelled() || error != null) {
            transport.close();
        }
    }

    private void report(String message, Throwable error, @Nullable Future<Void> task) {
        ExceptionContext.Builder report =
                ExceptionContext.of(message).exception(error).transport(transport);
        loop.callExceptionHandler(
                task == null ? report.build() : report.future(task).build());
    }
}
