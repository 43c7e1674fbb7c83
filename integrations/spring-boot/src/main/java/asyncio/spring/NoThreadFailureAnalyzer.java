package asyncio.spring;

import java.util.concurrent.RejectedExecutionException;
import org.jspecify.annotations.Nullable;
import org.springframework.boot.diagnostics.AbstractFailureAnalyzer;
import org.springframework.boot.diagnostics.FailureAnalysis;

/** Analyzes the failure of a body that got no thread, since {@code asyncio.bodies.max} threads already exist. */
final class NoThreadFailureAnalyzer extends AbstractFailureAnalyzer<RejectedExecutionException> {
    @Override
    protected @Nullable FailureAnalysis analyze(Throwable rootFailure, RejectedExecutionException cause) {
        String message = String.valueOf(cause.getMessage());
        if (!message.contains("asyncio.bodies.max")) {
            return null;
        }
        return new FailureAnalysis(
                message,
                "Run on Java 24 or later, where bodies are virtual threads; or start fewer bodies at a time, with"
                        + " mapConcurrent or a Semaphore; or raise asyncio.bodies.max in the application's properties.",
                cause);
    }
}
