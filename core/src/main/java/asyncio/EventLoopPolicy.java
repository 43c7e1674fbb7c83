package asyncio;

import org.jspecify.annotations.Nullable;

/**
 * Decides how loops are made, and which one is current where none runs; for the whole process. It is the one set with
 * {@link EventLoop#setEventLoopPolicy}, else the first one that {@link java.util.ServiceLoader} finds, else
 * {@link DefaultEventLoopPolicy}, which is also the class to extend.
 *
 * <p>A policy must be thread-safe.
 *
 * <pre>{@code
 * EventLoop.setEventLoopPolicy(new DefaultEventLoopPolicy() {
 *     @Override
 *     public EventLoop newEventLoop() {
 *         return EventLoop.builder().transport("nio").build();
 *     }
 * });
 * }</pre>
 *
 * <p>asyncio: {@code AbstractEventLoopPolicy}, deprecated there since 3.14. For a single program
 * {@link Runner.Builder#loopFactory} is enough.
 */
public interface EventLoopPolicy {
    /**
     * Returns the current loop of this thread, for code that runs outside it.
     *
     * @throws IllegalStateException if there is none
     */
    EventLoop getEventLoop();

    /** Makes a loop the current one of this thread; null for none. */
    void setEventLoop(@Nullable EventLoop loop);

    /**
     * Returns a new loop, which is not made current. It must be made with {@link EventLoop#builder}, since
     * {@link EventLoop#newEventLoop} calls the policy.
     */
    EventLoop newEventLoop();
}
