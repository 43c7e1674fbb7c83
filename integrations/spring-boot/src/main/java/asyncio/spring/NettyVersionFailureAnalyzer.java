package asyncio.spring;

import java.util.List;
import org.jspecify.annotations.Nullable;
import org.springframework.boot.diagnostics.AbstractFailureAnalyzer;
import org.springframework.boot.diagnostics.FailureAnalysis;

/** Analyzes failures caused by Netty 4.1 on the class path, which has no IoEventLoop. */
final class NettyVersionFailureAnalyzer extends AbstractFailureAnalyzer<LinkageError> {
    /** Classes and methods introduced in 4.2. */
    private static final List<String> SINCE_42 =
            List.of("IoEventLoop", "IoHandle", "IoHandler", "IoRegistration", "IoOps", "util/concurrent/Ticker");

    @Override
    protected @Nullable FailureAnalysis analyze(Throwable rootFailure, LinkageError cause) {
        String message = String.valueOf(cause.getMessage());
        if (!message.contains("io/netty/") && !message.contains("io.netty.")) {
            return null;
        }
        if (SINCE_42.stream().noneMatch(message::contains)) {
            return null;
        }
        return new FailureAnalysis(
                "The Netty on the class path is too old for asyncio's event loops: " + message,
                "Use Netty 4.2. Spring Boot 4 manages it: remove netty.version and other overrides of io.netty from the"
                        + " build, and find the source of 4.1 with 'mvn dependency:tree -Dincludes=io.netty'.",
                cause);
    }
}
