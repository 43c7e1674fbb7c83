package asyncio.subprocess;

import java.nio.charset.StandardCharsets;
import org.jspecify.annotations.Nullable;

/**
 * What a child has left behind: {@link Subprocess#communicate()}, {@link Subprocess#run}.
 *
 * <p>asyncio: the pair that {@code communicate} gives; {@code subprocess.CompletedProcess}.
 *
 * @param returnCode as of {@link Subprocess#returnCode()}
 * @param stdout what it has written; null if that was not a pipe
 * @param stderr what it has written; null if that was not a pipe
 */
@SuppressWarnings("ArrayRecordComponent") // bytes, which nobody compares as records
public record Output(int returnCode, byte @Nullable [] stdout, byte @Nullable [] stderr) {
    /** {@link #stdout} as UTF-8; empty if it was not a pipe. */
    public String out() {
        return text(stdout);
    }

    /** {@link #stderr} as UTF-8; empty if it was not a pipe. */
    public String err() {
        return text(stderr);
    }

    private static String text(byte @Nullable [] bytes) {
        return bytes == null ? "" : new String(bytes, StandardCharsets.UTF_8);
    }

    /** The return code, and how much there is of the others. */
    @Override
    public String toString() {
        return "Output[returnCode=" + returnCode + ", stdout=" + size(stdout) + ", stderr=" + size(stderr) + "]";
    }

    private static String size(byte @Nullable [] bytes) {
        return bytes == null ? "no pipe" : bytes.length + " bytes";
    }
}
