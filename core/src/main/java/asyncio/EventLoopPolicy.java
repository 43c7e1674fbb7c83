package asyncio;

import org.jspecify.annotations.Nullable;

/**
 * Decides how loops are made, and which one is current where none runs; for the whole process. Set with
 * {@link EventLoop#setEventLoopPolicy}; else the first one that {@link java.util.ServiceLoader} finds; else
 * {@link DefaultEventLoopPolicy}, which is also the class to extend.
 *
 * <p>A policy is asked from any thread.
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
 * <p>asyncio: {@code AbstractEventLoopPolicy}, deprecated there since 3.14. For one program
 * {@link Runner.Builder#loopFactory} does as well.
 */
public interface EventLoopPolicy {
    /**
     * The current loop of this thread, for code that runs outside it.
     *
     * @throws IllegalStateException if there is none
     */
    EventLoop getEventLoop();

    /** Makes a loop the current one of this thread; null for none. */
    void setEventLoop(@Nullable EventLoop loop);

    /**
     * A new loop, which is not made current. It must be made with {@link EventLoop#builder}, since
     * {@link EventLoop#newEventLoop} asks the policy.
     */
    EventLoop newEventLoop();
}
