package asyncio.subprocess;

import asyncio.streams.StreamConnection;
import java.util.List;
import java.util.concurrent.CompletionStage;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Mono;

/** A child process as seen by {@link Subprocess}: one of the operating system, or one created by a {@link Launcher}. */
public interface LaunchedChild {
    /** Its process ID. */
    long pid();

    /** Returns whether it is running. */
    boolean isAlive();

    /** Returns the exit code; -n for signal n. Called only when it is not running. */
    int returnCode();

    /** Completes when it has ended, on any thread. */
    CompletionStage<?> exit();

    /**
     * This process's ends of its pipes; null for a stream that is not a pipe.
     *
     * @param stdin used for its writer
     * @param stdout used for its reader
     * @param stderr used for its reader
     */
    record Pipes(
            @Nullable StreamConnection stdin,
            @Nullable StreamConnection stdout,
            @Nullable StreamConnection stderr) {}

    /** Returns its pipes. Called once, on the loop, before anything else. */
    Pipes connect();

    /** Closes the pipes once their content has been read; from any thread, also when the loop is closed. */
    void closePipes();

    /**
     * Asks it to end (SIGTERM), or kills it (SIGKILL); from any thread.
     *
     * @return false if it has ended
     * @throws IllegalStateException if this process may not signal it
     */
    boolean destroy(boolean forcibly);

    /**
     * Sends a signal by name, without {@code SIG}. Nothing happens until subscription. Fails with
     * {@link ProcessLookupException} if it has ended, with {@link IllegalArgumentException} if there is no such signal.
     *
     * @param group whether to send it to its whole process group
     */
    Mono<Void> send(String signal, boolean group);

    /**
     * Ends it and the processes it has started, and completes when they have ended. Nothing happens until subscription.
     *
     * @param gently whether to close its stdin first, then ask it to end, each with the command's grace period
     * @param closeStdin does not block
     */
    Mono<Void> end(boolean gently, Runnable closeStdin);

    /** The processes that it has started. */
    Mono<List<ProcessHandle>> descendants();
}
