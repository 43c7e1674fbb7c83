package asyncio.spring;

import org.jspecify.annotations.Nullable;
import org.springframework.boot.diagnostics.AbstractFailureAnalyzer;
import org.springframework.boot.diagnostics.FailureAnalysis;

/** Analyzes failures to use the configured epoll transport, for example because native access is denied. */
final class TransportFailureAnalyzer extends AbstractFailureAnalyzer<IllegalArgumentException> {
    @Override
    protected @Nullable FailureAnalysis analyze(Throwable rootFailure, IllegalArgumentException cause) {
        String message = String.valueOf(cause.getMessage());
        if (!message.contains("Transport epoll is not available")) {
            return null;
        }
        StringBuilder description = new StringBuilder(message);
        boolean denied = false;
        for (Throwable reason = cause.getCause(); reason != null; reason = reason.getCause()) {
            description.append(System.lineSeparator()).append("  because of ").append(reason);
            denied |= reason instanceof IllegalCallerException;
        }
        return new FailureAnalysis(
                description.toString(),
                denied
                        ? "Allow native access: start the JVM with --enable-native-access=ALL-UNNAMED, or give the jar's"
                                + " manifest the entry Enable-Native-Access: ALL-UNNAMED."
                        : "Remove asyncio.loops.transport=epoll, or add io.netty:netty-transport-native-epoll with the"
                                + " classifier of this machine (linux-x86_64, linux-aarch_64).",
                cause);
    }
}
