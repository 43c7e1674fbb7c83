package asyncio.spring;

import asyncio.ChildJvm;
import java.io.IOException;
import java.lang.ref.WeakReference;
import java.net.URL;
import java.net.URLClassLoader;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.concurrent.FutureTask;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import restarted.Restarted;

/** A whole application that is restarted in class loaders of its own, as by devtools. */
@Timeout(180)
class DevtoolsTest {
    /** Loads as devtools' RestartClassLoader does: the application's classes here, all others in the parent. */
    private static final class RestartLoader extends URLClassLoader {
        RestartLoader(URL application) {
            super(new URL[] {application}, DevtoolsTest.class.getClassLoader());
        }

        @Override
        protected Class<?> loadClass(String name, boolean resolve) throws ClassNotFoundException {
            synchronized (getClassLoadingLock(name)) {
                Class<?> known = findLoadedClass(name);
                return known == null ? find(name) : known;
            }
        }

        private Class<?> find(String name) throws ClassNotFoundException {
            try {
                return findClass(name);
            } catch (ClassNotFoundException ofOthers) {
                return getParent().loadClass(name);
            }
        }
    }

    /** Restarts the application, and prints the number of class loaders that are kept. */
    static final class Program {
        private static final int RESTARTS = 2;

        public static void main(String[] args) throws Exception {
            // Spring, Reactor and Netty keep the loader of the first application, and Boot's logging that of the last
            run(Restarted.class);
            List<WeakReference<ClassLoader>> loaders = new ArrayList<>();
            for (int i = 0; i < RESTARTS; i++) {
                loaders.add(restart());
            }
            run(Restarted.class);
            long deadline = System.nanoTime() + Duration.ofSeconds(20).toNanos();
            while (kept(loaders) > 0 && System.nanoTime() < deadline) {
                System.gc();
                Thread.onSpinWait();
            }
            System.out.println("kept: " + kept(loaders));
        }

        private static WeakReference<ClassLoader> restart() throws Exception {
            URL classes = Restarted.class.getProtectionDomain().getCodeSource().getLocation();
            try (RestartLoader loader = new RestartLoader(classes)) {
                Class<?> application = loader.loadClass(Restarted.class.getName());
                if (application == Restarted.class) {
                    throw new IOException("The application is not in " + classes);
                }
                run(application);
                return new WeakReference<>(loader);
            }
        }

        private static void run(Class<?> application) throws Exception {
            @SuppressWarnings("unchecked")
            FutureTask<Set<String>> run = new FutureTask<>(
                    (Callable<Set<String>>) application.getDeclaredConstructor().newInstance());
            Thread main = new Thread(run, "restartedMain");
            main.setContextClassLoader(application.getClassLoader());
            main.start();
            System.out.println("ran: " + run.get());
        }

        private static long kept(List<WeakReference<ClassLoader>> loaders) {
            return loaders.stream().filter(loader -> loader.get() != null).count();
        }
    }

    @Test
    void noLoaderOfAnApplicationThatHasEndedIsKept() throws Exception {
        // softly reachable is not kept: Spring has such caches
        try (ChildJvm child = ChildJvm.of(Program.class)
                .options("-XX:SoftRefLRUPolicyMSPerMB=0")
                .start()) {
            for (int i = 0; i < Program.RESTARTS + 2; i++) {
                child.expectLine("ran: [listener of ready, page thread, pool of item, worker of item]");
            }
            child.expectLine("kept: 0");
            child.expectExit(0);
        }
    }
}
