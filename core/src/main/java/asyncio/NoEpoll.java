package asyncio;

import java.util.Locale;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;

/** Logs once that loops run on NIO although this is Linux, and which dependency is missing. */
final class NoEpoll {
    private static final AtomicBoolean SAID = new AtomicBoolean();

    private NoEpoll() {}

    static void say(@Nullable Throwable cause) {
        // Netty's switch: NIO is intended
        if (Boolean.getBoolean("io.netty.transport.noNative") || !SAID.compareAndSet(false, true)) {
            return;
        }
        String message = message(System.getProperty("os.name", ""), System.getProperty("os.arch", ""), cause);
        if (message != null) {
            Log.info(message);
        }
    }

    /** Returns the message; null on systems that have no epoll. */
    static @Nullable String message(String system, String processor, @Nullable Throwable cause) {
        if (!system.toLowerCase(Locale.ROOT).startsWith("linux")) {
            return null;
        }
        String name = switch (processor) {
            case "amd64" -> "x86_64";
            case "aarch64" -> "aarch_64";
            default -> processor;
        };
        return "Event loops run on NIO, which has timers of whole milliseconds and a thread for each pipe of a child, since"
                + " epoll is not available" + (cause == null ? "" : " (" + cause + ")")
                + ". Add io.netty:netty-transport-native-epoll with the classifier linux-" + name
                + ", or choose NIO with -Dasyncio.transport=nio";
    }
}
