package asyncio;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(60)
class EventLoopPolicyTest {
    @AfterEach
    void restore() {
        EventLoop.setEventLoop(null);
        EventLoop.setEventLoopPolicy(null);
    }

    @Test
    @DisplayName("LOOP-49 getEventLoop is the running loop inside one; outside it throws unless one was set")
    void getEventLoop() throws Exception {
        assertThatThrownBy(EventLoop::getEventLoop)
                .isInstanceOf(IllegalStateException.class)
                .hasMessageContaining("no current event loop");
        EventLoop set = EventLoop.newEventLoop();
        EventLoop.setEventLoop(set);
        assertThat(EventLoop.getEventLoop()).isSameAs(set);
        assertThatThrownBy(EventLoop::getRunningLoop).isInstanceOf(IllegalStateException.class);
        try (Runner runner =
                Runner.builder().loopFactory(EventLoop::newEventLoop).build()) {
            EventLoop running = runner.run(() -> {
                assertThat(EventLoop.getEventLoop()).isSameAs(EventLoop.getRunningLoop());
                return EventLoop.getEventLoop();
            });
            assertThat(running).isNotSameAs(set);
        }
        set.close();
    }

    @Test
    @DisplayName("LOOP-51 each thread has its own current loop; setting twice replaces")
    void setEventLoop() throws Exception {
        EventLoop first = EventLoop.newEventLoop();
        EventLoop second = EventLoop.newEventLoop();
        EventLoop.setEventLoop(first);
        EventLoop.setEventLoop(second);
        assertThat(EventLoop.getEventLoop()).isSameAs(second);
        AtomicReference<Throwable> elsewhere = new AtomicReference<>();
        Thread thread = new Thread(() -> {
            try {
                EventLoop.getEventLoop();
            } catch (IllegalStateException e) {
                elsewhere.set(e);
            }
        });
        thread.start();
        thread.join();
        assertThat(elsewhere.get()).hasMessageContaining("no current event loop");
        first.close();
        second.close();
    }

    public static final class NioPolicy extends DefaultEventLoopPolicy {
        @Override
        public EventLoop newEventLoop() {
            return EventLoop.builder().transport("nio").build();
        }
    }

    @Test
    @DisplayName("a policy that was set makes the loops of newEventLoop, run and the shared loops")
    void policy() throws Exception {
        NioPolicy policy = new NioPolicy();
        EventLoop.setEventLoopPolicy(policy);
        assertThat(EventLoop.getEventLoopPolicy()).isSameAs(policy);
        EventLoop loop = EventLoop.newEventLoop();
        assertThat(loop.netty().isIoType(io.netty.channel.nio.NioIoHandler.class))
                .isTrue();
        loop.close();
        assertThat(Asyncio.run(
                        () -> EventLoop.getRunningLoop().netty().isIoType(io.netty.channel.nio.NioIoHandler.class)))
                .isTrue();
    }

    @Test
    @DisplayName("without one that was set, the policy comes from a service provider")
    void serviceProvider(@TempDir Path services) throws Exception {
        try (URLClassLoader classLoader = withProvider(services, NioPolicy.class.getName())) {
            withContextClassLoader(
                    classLoader,
                    () -> assertThat(EventLoop.getEventLoopPolicy()).isInstanceOf(NioPolicy.class));
        }
    }

    @Test
    void aProviderThatCannotBeLoadedIsAnErrorThatNamesTheFile(@TempDir Path services) throws Exception {
        try (URLClassLoader classLoader = withProvider(services, "no.such.Policy")) {
            withContextClassLoader(
                    classLoader,
                    () -> assertThatThrownBy(EventLoop::newEventLoop)
                            .isInstanceOf(IllegalStateException.class)
                            .hasMessageContaining("META-INF/services/asyncio.EventLoopPolicy")
                            .hasMessageContaining("no.such.Policy"));
        }
    }

    private static URLClassLoader withProvider(Path root, String provider) throws IOException {
        Path file = root.resolve("META-INF/services/asyncio.EventLoopPolicy");
        Files.createDirectories(file.getParent());
        Files.writeString(file, provider);
        return new URLClassLoader(
                new URL[] {root.toUri().toURL()}, Thread.currentThread().getContextClassLoader());
    }

    private static void withContextClassLoader(ClassLoader classLoader, Runnable action) {
        Thread thread = Thread.currentThread();
        ClassLoader before = thread.getContextClassLoader();
        thread.setContextClassLoader(classLoader);
        try {
            action.run();
        } finally {
            thread.setContextClassLoader(before);
        }
    }
}
