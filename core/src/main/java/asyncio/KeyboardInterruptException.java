package asyncio;

/**
 * Thrown by {@link Runner#run} and {@link Asyncio#run} on the main thread when Ctrl-C has cancelled the program and it
 * has ended because of that. If it leaves {@code main}, the JVM exits with status 130, as Ctrl-C does otherwise,
 * without a stack trace.
 *
 * <p>asyncio: {@code KeyboardInterrupt}.
 */
public final class KeyboardInterruptException extends InterruptedException {
    private static final long serialVersionUID = 1;

    KeyboardInterruptException(CancelledException cause) {
        super("The program was cancelled by Ctrl-C (SIGINT)");
        initCause(cause);
    }
}
