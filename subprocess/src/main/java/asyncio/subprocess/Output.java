package asyncio.subprocess;

import java.nio.charset.StandardCharsets;
import org.jspecify.annotations.Nullable;

/**
 * The result of a child process: {@link Subprocess#communicate()}, {@link Subprocess#run}.
 *
 * <p>asyncio: the pair that {@code communicate} returns; {@code subprocess.CompletedProcess}.
 *
 * @param returnCode as of {@link Subprocess#returnCode()}
 * @param stdout the bytes written to stdout; null if that was not a pipe
 * @param stderr the bytes written to stderr; null if that was not a pipe
 * @param command the command that was run; null if that is not known
 */
@SuppressWarnings("ArrayRecordComponent") // never compared as records
public record Output(
        int returnCode,
        byte @Nullable [] stdout,
        byte @Nullable [] stderr,
        @Nullable Command command) {
    /** The length of the excerpts in {@link #toString}, in characters. */
    private static final int SHOWN = 80;

    /** Creates a result without a command, for tests. */
    public Output(int returnCode, byte @Nullable [] stdout, byte @Nullable [] stderr) {
        this(returnCode, stdout, stderr, null);
    }

    /** {@link #stdout} as UTF-8; empty if it was not a pipe. */
    public String out() {
        return text(stdout);
    }

    /** {@link #stderr} as UTF-8; empty if it was not a pipe. */
    public String err() {
        return text(stderr);
    }

    static String text(byte @Nullable [] bytes) {
        return bytes == null ? "" : new String(bytes, StandardCharsets.UTF_8);
    }

    /**
     * Returns this result if the child exited with 0, and throws otherwise.
     *
     * <pre>{@code
     * Mono<String> head = Subprocess.run(Command.of("git", "rev-parse", "HEAD")).map(Output::check).map(Output::out);
     * }</pre>
     *
     * <p>{@code CompletedProcess.check_returncode}
     *
     * @throws CalledProcessException otherwise, with the return code and the end of stderr
     * @since 0.1
     */
    public Output check() {
        if (returnCode != 0) {
            throw new CalledProcessException(this);
        }
        return this;
    }

    /** {@code Output[returnCode=1, stdout="one\n", stderr="...the end of a long text" (4096 bytes)]}. */
    @Override
    public String toString() {
        return "Output[returnCode=" + returnCode + ", stdout=" + excerpt(stdout, false) + ", stderr="
                + excerpt(stderr, true) + "]";
    }

    /** Returns the start of a long text, or for errors its end, which has the reason. */
    private static String excerpt(byte @Nullable [] bytes, boolean end) {
        if (bytes == null) {
            return "no pipe";
        }
        String text = text(bytes);
        if (text.length() <= SHOWN) {
            return '"' + escaped(text) + '"';
        }
        String some = end
                ? "..." + escaped(text.substring(text.length() - SHOWN))
                : escaped(text.substring(0, SHOWN)) + "...";
        return '"' + some + "\" (" + bytes.length + " bytes)";
    }

    /** On one line. */
    private static String escaped(String text) {
        StringBuilder escaped = new StringBuilder(text.length());
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            switch (c) {
                case '\n' -> escaped.append("\\n");
                case '\r' -> escaped.append("\\r");
                case '\t' -> escaped.append("\\t");
                case '"' -> escaped.append("\\\"");
                case '\\' -> escaped.append("\\\\");
                default -> {
                    if (Character.isISOControl(c)) {
                        escaped.append(String.format("\\u%04x", (int) c));
                    } else {
                        escaped.append(c);
                    }
                }
            }
        }
        return escaped.toString();
    }
}
