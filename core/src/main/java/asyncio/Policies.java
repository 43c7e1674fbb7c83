package asyncio;

import java.util.ServiceConfigurationError;
import java.util.ServiceLoader;
import org.jspecify.annotations.Nullable;

/** The policy of this process. */
final class Policies {
    private static volatile @Nullable EventLoopPolicy current;

    private Policies() {}

    static EventLoopPolicy get() {
        EventLoopPolicy policy = current;
        return policy != null ? policy : find();
    }

    static synchronized void set(@Nullable EventLoopPolicy policy) {
        current = policy;
    }

    private static synchronized EventLoopPolicy find() {
        EventLoopPolicy policy = current;
        if (policy == null) {
            policy = load(Thread.currentThread().getContextClassLoader());
            current = policy;
        }
        return policy;
    }

    /** A policy that cannot be loaded is an error of the installation, which a program must not start with. */
    private static EventLoopPolicy load(@Nullable ClassLoader classLoader) {
        try {
            return ServiceLoader.load(EventLoopPolicy.class, classLoader)
                    .findFirst()
                    .orElseGet(DefaultEventLoopPolicy::new);
        } catch (ServiceConfigurationError e) {
            throw new IllegalStateException(
                    "The event loop policy named in META-INF/services/" + EventLoopPolicy.class.getName()
                            + " cannot be used: " + e.getMessage(),
                    e);
        }
    }
}
