package asyncio.subprocess;

import asyncio.streams.StreamConnection;
import java.util.List;
import java.util.concurrent.CompletionStage;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Mono;

/**
 * A child process as {@link Subprocess} sees it: one of the operating system's, or what a {@link Launcher} has made.
 */
public interface LaunchedChild {
    /** Its number. */
    long pid();

    /** Whether it runs. */
    boolean isAlive();

    /** Returns the exit code; -n for signal n. Asked only of one that does not run. */
    int returnCode();

    /** Completes when it has ended, on any thread. */
    CompletionStage<?> exit();

    /**
     * This process's ends of its pipes; null for what is no pipe.
     *
     * @param stdin of which the writer is used
     * @param stdout of which the reader is used
     * @param stderr of which the reader is used
     */
    record Pipes(
            @Nullable StreamConnection stdin,
            @Nullable StreamConnection stdout,
            @Nullable StreamConnection stderr) {}

    /** Its pipes. Called once, on the loop, before anything else. */
    Pipes connect();

    /** Closes these, when what is in them has been read; from any thread, also when the loop is closed. */
    void closePipes();

    /**
     * Asks it to end (SIGTERM), or ends it (SIGKILL); from any thread.
     *
     * @return false if it has ended
     * @throws IllegalStateException if it may not be signalled
     */
    boolean destroy(boolean forcibly);

    /**
     * Sends a signal by name, without {@code SIG}. Nothing happens until subscription. Fails with
     * {@link ProcessLookupException} if it has ended, with {@link IllegalArgumentException} if there is no such signal.
     *
     * @param group to all of its process group
     */
    Mono<Void> send(String signal, boolean group);

    /**
     * Ends it and what it has started, and completes when that is so. Nothing happens until subscription.
     *
     * @param gently closes its stdin first, then asks it to end, each with the command's time to do so
     * @param closeStdin does not block
     */
    Mono<Void> end(boolean gently, Runnable closeStdin);

    /** The processes that it has started. */
    Mono<List<ProcessHandle>> descendants();
}
