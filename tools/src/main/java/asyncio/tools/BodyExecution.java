package asyncio.tools;

import asyncio.Asyncio;
import asyncio.EventLoop;
import asyncio.Task;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import jdk.jshell.execution.DirectExecutionControl;
import jdk.jshell.spi.ExecutionControl;
import jdk.jshell.spi.ExecutionControlProvider;
import jdk.jshell.spi.ExecutionEnv;
import org.jspecify.annotations.Nullable;

/**
 * Runs each snippet in this JVM as a body of one loop, so that it may await. The evaluating thread waits for it; tasks
 * that it has started keep running afterwards.
 */
final class BodyExecution extends DirectExecutionControl implements ExecutionControlProvider {
    private static final String NAME = "asyncio";

    private final EventLoop loop;
    /** Written by the evaluating thread, read by the thread of a signal. */
    private volatile @Nullable Task<Result> running;

    private @Nullable Object lastValue;

    BodyExecution(EventLoop loop) {
        this.loop = loop;
    }

    @Override
    protected String invoke(Method snippet) throws Exception {
        Task<Result> task = start(snippet);
        try {
            CompletableFuture<Void> ended = new CompletableFuture<>();
            task.addDoneCallback(done -> ended.complete(null));
            ended.get();
        } finally {
            running = null;
        }
        lastValue = null;
        try {
            Result result = Objects.requireNonNull(task.result(), "a snippet's result");
            lastValue = result.value;
            return result.text;
        } catch (ExecutionException e) {
            throw new InvocationTargetException(e.getCause());
        } catch (Exception e) {
            throw new InvocationTargetException(e); // the superclass shows it as an exception of the user's code
        }
    }

    /** Synchronized with {@link #cancel}, which must find a running task. */
    private synchronized Task<Result> start(Method snippet) {
        Task<Result> task = loop.createTask(Asyncio.async(() -> call(snippet)), "repl");
        running = task;
        return task;
    }

    /** Calls the snippet; its exception is thrown unchanged, so that a cancelled snippet ends its task as cancelled. */
    private static Result call(Method snippet) throws Exception {
        try {
            Object value = snippet.invoke(null);
            return new Result(value, valueString(value)); // on the loop, where nothing changes in the meantime
        } catch (InvocationTargetException e) {
            if (e.getCause() instanceof Error error) {
                throw new ExecutionException(error); // it is the user's error and must not stop the loop
            }
            throw e.getCause() instanceof Exception cause ? cause : e;
        }
    }

    /** A value that may be a Publisher, which a body must not return. */
    private record Result(@Nullable Object value, String text) {}

    /** Returns the value of the last snippet. */
    @Nullable Object lastValue() {
        return lastValue;
    }

    /** Cancels the running snippet on Ctrl-C: its await throws. False if none is running. */
    synchronized boolean cancel() {
        Task<Result> task = running;
        return task != null && task.cancel("Ctrl-C");
    }

    @Override
    public void stop() {
        cancel();
    }

    @Override
    public String name() {
        return NAME;
    }

    @Override
    public ExecutionControl generate(ExecutionEnv env, Map<String, String> parameters) {
        return this;
    }
}
