package asyncio;

import asyncio.internal.loop.BodyThreads;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import org.jspecify.annotations.Nullable;

/** Calls functions that must not run on a virtual thread on a new platform thread, and waits for it. */
final class OnPlatformThread {
    private OnPlatformThread() {}

    /** Calls a function on the calling thread, or on a new platform thread if that is a virtual one. */
    static <T> @Nullable T callOffVirtualThread(Callable<? extends @Nullable T> function) throws Exception {
        return BodyThreads.onVirtualThread() ? call(function) : function.call();
    }

    /** Runs a function on a thread that can carry the bodies of a loop: a virtual thread cannot carry another one. */
    static void runAsCarrier(Runnable function) {
        if (BodyThreads.KIND != BodyThreads.Kind.CARRIER || !BodyThreads.onVirtualThread()) {
            function.run();
            return;
        }
        try {
            call(() -> {
                function.run();
                return null;
            });
        } catch (Exception e) {
            throw Misuse.<RuntimeException>sneaky(e);
        }
    }

    static <T> @Nullable T call(Callable<? extends @Nullable T> function) throws Exception {
        Outcome<T> outcome = new Outcome<>();
        Thread thread = new Thread(
                () -> {
                    try {
                        outcome.value = function.call();
                    } catch (Throwable e) { // allocate nothing from here on: there may be no memory
                        outcome.error = e;
                    }
                    outcome.over.countDown();
                },
                "asyncio-run");
        thread.setContextClassLoader(Thread.currentThread().getContextClassLoader());
        thread.start();
        boolean interrupted = false;
        while (outcome.over.getCount() > 0) {
            try {
                outcome.over.await();
            } catch (InterruptedException e) {
                interrupted = true; // keep waiting
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
        if (outcome.error != null) {
            throw Misuse.<Exception>sneaky(outcome.error);
        }
        return outcome.value;
    }

    private static final class Outcome<T> {
        final CountDownLatch over = new CountDownLatch(1);

        @Nullable T value;

        @Nullable Throwable error;
    }
}
