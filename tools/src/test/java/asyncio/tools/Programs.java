package asyncio.tools;

import static asyncio.Asyncio.async;
import static asyncio.Asyncio.await;
import static asyncio.Asyncio.createTask;
import static asyncio.Asyncio.gather;

import asyncio.Asyncio;
import asyncio.Future;
import asyncio.Task;
import asyncio.TaskGroup;
import java.lang.reflect.Method;
import java.net.MalformedURLException;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CountDownLatch;

/** Programs to inspect. Each prints {@code ready} when there is something to see, and waits to be killed. */
final class Programs {
    private Programs() {}

    private static void ready() throws Exception {
        for (int i = 0; i < 6; i++) {
            await(Asyncio.sleep(java.time.Duration.ZERO));
        }
        System.out.println("ready");
    }

    static String leaf(Future<String> gate) throws Exception {
        return await(gate);
    }

    static String middle(Future<String> gate) throws Exception {
        return leaf(gate);
    }

    /** Tasks that wait for one another in several ways. */
    static final class Shop {
        public static void main(String[] args) throws Exception {
            Asyncio.run(() -> {
                Future<String> gate = new Future<>();
                Task<String> fetch = createTask(async(() -> middle(gate)), "fetch");
                Task<?> both = createTask(gather(fetch, gate), "both, \"quoted\"");
                await(TaskGroup.scopeBody(group -> {
                    group.createTask(async(() -> await(both)), "child");
                    ready();
                    return null;
                }));
            });
        }
    }

    /** Two tasks that will never end. */
    static final class Deadlock {
        public static void main(String[] args) throws Exception {
            Asyncio.run(() -> {
                Task<?>[] circle = new Task<?>[2];
                circle[0] = createTask(async(() -> await(circle[1])), "zero");
                circle[1] = createTask(async(() -> await(circle[0])), "one");
                createTask(async(() -> await(circle[0])), "outside");
                ready();
                await(new Future<>());
            });
        }
    }

    /** A thousand bodies. */
    static final class Crowd {
        static final int SIZE = 1000;

        public static void main(String[] args) throws Exception {
            Asyncio.run(() -> {
                Future<String> gate = new Future<>();
                List<Task<String>> all = new ArrayList<>();
                for (int i = 0; i < SIZE; i++) {
                    all.add(createTask(async(() -> leaf(gate)), "body " + i));
                }
                ready();
                await(gather(all));
            });
        }
    }

    /** No loop, and none of the library's classes. */
    static final class Plain {
        public static void main(String[] args) throws Exception {
            System.out.println("ready");
            new CountDownLatch(1).await();
        }
    }

    /** The shop, loaded by a custom class loader, as in a Spring Boot jar. */
    static final class Fat {
        public static void main(String[] args) throws Exception {
            URL[] urls = Arrays.stream(System.getProperty("fat.path").split(java.io.File.pathSeparator))
                    .map(Fat::url)
                    .toArray(URL[]::new);
            ClassLoader loader = new URLClassLoader(urls, ClassLoader.getPlatformClassLoader());
            Thread.currentThread().setContextClassLoader(loader);
            // by name, since this class's own loader would find another class
            Method main = loader.loadClass("asyncio.tools.Programs$Shop").getMethod("main", String[].class);
            main.setAccessible(true);
            main.invoke(null, (Object) new String[0]);
        }

        private static URL url(String path) {
            try {
                return Path.of(path).toUri().toURL();
            } catch (MalformedURLException e) {
                throw new IllegalArgumentException(path, e);
            }
        }
    }
}
