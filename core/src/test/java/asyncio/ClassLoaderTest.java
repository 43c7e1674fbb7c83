package asyncio;

import static asyncio.Asyncio.async;
import static asyncio.Asyncio.await;
import static asyncio.Asyncio.sleep;
import static asyncio.Asyncio.toThread;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.lang.ref.Reference;
import java.lang.ref.WeakReference;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.FutureTask;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** The class loader of an application that has ended can be collected, though the library and its threads stay. */
@Timeout(120)
class ClassLoaderTest {
    private static final int RESTARTS = 4;

    /**
     * Defines the application's classes itself, as a restart or a plug-in does, and takes all others from its parent.
     */
    private static final class ApplicationLoader extends ClassLoader {
        ApplicationLoader() {
            super(ApplicationLoader.class.getClassLoader());
        }

        @Override
        protected Class<?> loadClass(String name, boolean resolve) throws ClassNotFoundException {
            return name.startsWith("asyncio.LoaderProgram") ? define(name) : super.loadClass(name, resolve);
        }

        private synchronized Class<?> define(String name) throws ClassNotFoundException {
            Class<?> known = findLoadedClass(name);
            if (known != null) {
                return known;
            }
            try (InputStream in = getResourceAsStream(name.replace('.', '/') + ".class")) {
                if (in == null) {
                    throw new ClassNotFoundException(name);
                }
                byte[] bytes = in.readAllBytes();
                return defineClass(name, bytes, 0, bytes.length);
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }
    }

    @Test
    void anApplicationThatRestartsLeavesNoLoaderBehind() throws Exception {
        EventLoop.shutdownShared(Duration.ofSeconds(10));
        assertThatAllAreCollected(startAndStop());
    }

    @Test
    void soItIsWhileAnotherApplicationGoesOn() throws Exception {
        try (SharedLoops.Lease other = SharedLoops.lease()) {
            assertThatAllAreCollected(startAndStop());
            Reference.reachabilityFence(other);
        }
    }

    /** As Reactor Netty's cache of name resolvers does. */
    @Test
    void codeThatKeepsAClosedLoopKeepsNoLoader() throws Exception {
        List<EventLoop> closed = new ArrayList<>();
        List<WeakReference<ClassLoader>> loaders = new ArrayList<>();
        for (int i = 0; i < RESTARTS; i++) {
            ClassLoader loader = new ApplicationLoader();
            loaders.add(new WeakReference<>(loader));
            FutureTask<EventLoop> use = new FutureTask<>(ClassLoaderTest::useAndClose);
            Thread main = new Thread(null, use, "application", 0, false);
            main.setContextClassLoader(loader);
            main.start();
            closed.add(use.get());
        }
        assertThatAllAreCollected(loaders);
        Reference.reachabilityFence(closed);
    }

    private static EventLoop useAndClose() throws Exception {
        EventLoop loop = EventLoop.newEventLoop();
        ClassLoader expected = Thread.currentThread().getContextClassLoader();
        loop.runUntilComplete(async(() -> {
            await(sleep(Duration.ofMillis(1)));
            assertThat(Thread.currentThread().getContextClassLoader()).isSameAs(expected);
            assertThat(await(toThread(() -> Thread.currentThread().getContextClassLoader())))
                    .isSameAs(expected);
        }));
        loop.close();
        return loop;
    }

    private static List<WeakReference<ClassLoader>> startAndStop() throws Exception {
        List<WeakReference<ClassLoader>> loaders = new ArrayList<>();
        for (int i = 0; i < RESTARTS; i++) {
            ClassLoader loader = new ApplicationLoader();
            loaders.add(new WeakReference<>(loader));
            Runnable program = (Runnable) loader.loadClass("asyncio.LoaderProgram")
                    .getDeclaredConstructor()
                    .newInstance();
            assertThat(program.getClass()).isNotEqualTo(LoaderProgram.class);
            Thread main = new Thread(null, program, "application", 0, false);
            main.setContextClassLoader(loader);
            main.start();
            main.join();
            assertThat(((Callable<?>) program).call()).isEqualTo(true);
        }
        return loaders;
    }

    private static void assertThatAllAreCollected(List<WeakReference<ClassLoader>> loaders) {
        long deadline = System.nanoTime() + Duration.ofSeconds(20).toNanos();
        while (kept(loaders) > 0 && System.nanoTime() < deadline) {
            System.gc();
            Thread.onSpinWait();
        }
        assertThat(kept(loaders))
                .as("class loaders of %d that are kept", RESTARTS)
                .isZero();
    }

    private static long kept(List<WeakReference<ClassLoader>> loaders) {
        return loaders.stream().filter(loader -> loader.get() != null).count();
    }
}
