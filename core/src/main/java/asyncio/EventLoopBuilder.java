package asyncio;

import asyncio.internal.loop.Transports;
import io.netty.channel.IoHandlerFactory;
import io.netty.util.concurrent.Ticker;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * Builds a loop with custom settings; from {@link EventLoop#builder()}.
 *
 * <pre>{@code
 * EventLoop loop = EventLoop.builder().clock(Ticker.newMockTicker()).seed(42).build();
 * }</pre>
 */
public final class EventLoopBuilder {
    private static final boolean EPOLL_AT_HAND = epollAtHand();
    private static final boolean KQUEUE_AT_HAND = !EPOLL_AT_HAND && Transports.kqueueIsAvailable();

    private String transport = System.getProperty("asyncio.transport", "auto");
    private Ticker clock = Ticker.systemTicker();
    private long seed;
    private @Nullable LoopMonitor monitor;

    EventLoopBuilder() {}

    /**
     * Sets the transport: {@code epoll}, {@code kqueue}, {@code nio}, or {@code auto} for epoll or kqueue if Netty's
     * native library for it is available, on Linux, or on macOS and BSD.
     */
    public EventLoopBuilder transport(String transport) {
        this.transport = Objects.requireNonNull(transport);
        return this;
    }

    /**
     * Sets the loop's clock. With Netty's {@code MockTicker} time is virtual: it jumps to the next deadline whenever
     * nothing is ready, IO is quiet and no work is under way in other threads.
     */
    public EventLoopBuilder clock(Ticker clock) {
        this.clock = Objects.requireNonNull(clock);
        return this;
    }

    /**
     * Changes the order of the steps of tasks that are ready in the same tick, always in the same way for the same
     * seed; a correct program does not depend on it. In virtual time some steps are also held back for some ticks, and
     * one of several close timers may be late. Callbacks keep their order. Seed 0, the default, is the plain order.
     */
    public EventLoopBuilder seed(long seed) {
        this.seed = seed;
        return this;
    }

    /** Sets the monitor to ask when the loop has nothing to do; the clock must be virtual. For test kits. */
    public EventLoopBuilder monitor(LoopMonitor monitor) {
        this.monitor = Objects.requireNonNull(monitor);
        return this;
    }

    /**
     * Builds the loop.
     *
     * @throws IllegalArgumentException if the transport is unknown or not available
     */
    public EventLoop build() {
        return new EventLoop(this);
    }

    Ticker clock() {
        return clock;
    }

    @Nullable LoopMonitor monitor() {
        return monitor;
    }

    long seed() {
        return seed;
    }

    IoHandlerFactory ioHandlerFactory() {
        switch (transport) {
            case "auto":
                if (EPOLL_AT_HAND) {
                    return Transports.epoll();
                }
                if (KQUEUE_AT_HAND) {
                    return Transports.kqueue();
                }
                NoEpoll.say(whyNoEpoll());
                return Transports.nio();
            case "nio":
                return Transports.nio();
            case "epoll":
                if (EPOLL_AT_HAND) {
                    return Transports.epoll();
                }
                throw new IllegalArgumentException(
                        "Transport epoll is not available: it needs Linux and io.netty:netty-transport-native-epoll",
                        whyNoEpoll());
            case "kqueue":
                if (KQUEUE_AT_HAND) {
                    return Transports.kqueue();
                }
                throw new IllegalArgumentException(
                        "Transport kqueue is not available: it needs macOS or BSD and io.netty:netty-transport-native-kqueue",
                        Transports.whyNoKqueue());
            default:
                throw new IllegalArgumentException("Transport must be auto, epoll, kqueue or nio, not " + transport);
        }
    }

    private static @Nullable Throwable whyNoEpoll() {
        try {
            return Transports.whyNoEpoll();
        } catch (NoClassDefFoundError e) {
            return e; // not even its classes are present
        }
    }

    private static boolean epollAtHand() {
        try {
            return Transports.epollIsAvailable();
        } catch (NoClassDefFoundError e) {
            return false;
        }
    }
}
