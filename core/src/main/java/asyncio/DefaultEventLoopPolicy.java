package asyncio;

import java.util.ServiceConfigurationError;
import java.util.ServiceLoader;
import org.jspecify.annotations.Nullable;

/** The policy of asyncio: a current loop for each thread that has set one. asyncio: {@code DefaultEventLoopPolicy}. */
public class DefaultEventLoopPolicy implements EventLoopPolicy {
    private static volatile @Nullable EventLoopPolicy inUse;

    @SuppressWarnings("ThreadLocalUsage") // a policy's own, as in CPython; a process has a few of them at most
    private final ThreadLocal<@Nullable EventLoop> current = new ThreadLocal<>();

    /** A policy in which no thread has a current loop yet. */
    public DefaultEventLoopPolicy() {}

    @Override
    public EventLoop getEventLoop() {
        EventLoop loop = current.get();
        if (loop == null) {
            throw Misuse.noCurrentLoop();
        }
        return loop;
    }

    @Override
    public void setEventLoop(@Nullable EventLoop loop) {
        if (loop == null) {
            current.remove();
        } else {
            current.set(loop);
        }
    }

    @Override
    public EventLoop newEventLoop() {
        return EventLoop.builder().build();
    }

    // ---- the policy of this process

    /** The policy of this process. */
    static EventLoopPolicy inUse() {
        EventLoopPolicy policy = inUse;
        return policy != null ? policy : find();
    }

    static synchronized void use(@Nullable EventLoopPolicy policy) {
        inUse = policy;
    }

    private static synchronized EventLoopPolicy find() {
        EventLoopPolicy policy = inUse;
        if (policy == null) {
            policy = load(Thread.currentThread().getContextClassLoader());
            inUse = policy;
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
