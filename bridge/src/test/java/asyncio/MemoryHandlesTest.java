package asyncio;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowable;

import io.netty.channel.IoEvent;
import io.netty.channel.IoHandle;
import io.netty.channel.IoRegistration;
import io.netty.util.concurrent.Future;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.RejectedExecutionException;
import org.junit.jupiter.api.Test;

/** Channels without a descriptor end with their loop. */
class MemoryHandlesTest {
    private final List<String> closed = new ArrayList<>();
    private final EventLoop loop = EventLoop.newEventLoop();

    private Future<IoRegistration> register(String name) {
        Future<IoRegistration> registration = loop.netty().register(new IoHandle() {
            @Override
            public void handle(IoRegistration registration, IoEvent event) {
                throw new AssertionError("there is no IO");
            }

            @Override
            public void close() {
                closed.add(name);
                if (name.equals("failing")) {
                    throw new IllegalStateException("planted");
                }
            }
        });
        loop.callSoon(loop::stop);
        loop.runForever();
        return registration;
    }

    @Test
    void theLoopClosesThemWithItself() {
        register("failing");
        register("deregistered").getNow().cancel();
        IoRegistration last = register("last").getNow();
        assertThat(last.isValid()).isTrue();
        assertThat(closed).isEmpty();
        loop.close();
        assertThat(closed).containsExactly("failing", "last");
    }

    @Test
    void aClosedLoopTakesNone() {
        loop.close();
        assertThat(catchThrowable(() -> loop.netty().register(new IoHandle() {
                    @Override
                    public void handle(IoRegistration registration, IoEvent event) {}

                    @Override
                    public void close() {
                        closed.add("late");
                    }
                })))
                .isInstanceOf(RejectedExecutionException.class);
        assertThat(closed).isEmpty();
    }
}
