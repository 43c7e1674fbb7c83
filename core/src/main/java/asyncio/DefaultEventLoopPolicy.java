package asyncio;

import java.util.ServiceConfigurationError;
import java.util.ServiceLoader;
import org.jspecify.annotations.Nullable;

/** The policy of asyncio: a current loop for each thread that has set one. asyncio: {@code DefaultEventLoopPolicy}. */
public class DefaultEventLoopPolicy implements EventLoopPolicy {
    private static volatile @Nullable EventLoopPolicy inUse;

    @SuppressWarnings("ThreadLocalUsage") // one per policy, as in CPython; a process has few
    private final ThreadLocal<@Nullable EventLoop> current = new ThreadLocal<>();

    /** Creates a policy in which no thread has a current loop yet. */
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

    /** Returns the policy of this process. */
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

    /** Loads the policy; one that cannot be loaded is an installation error, with which a program must not start. */
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
