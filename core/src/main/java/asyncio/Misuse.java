package asyncio;

import org.jspecify.annotations.Nullable;
import org.reactivestreams.Publisher;

/** Errors that explain a misuse of the library. */
final class Misuse {
    private Misuse() {}

    static IllegalStateException awaitOutsideBody() {
        return new IllegalStateException(
                !Contexts.onLoop()
                        ? "await outside a body: it works in the code given to Asyncio.run(...) or async(...). From plain blocking code use "
                                + "Asyncio.run(mono) or mono.block(); in a reactive chain use flatMap(x -> async(() -> ...))"
                        : "await in a callback: callbacks of a loop cannot suspend, only bodies can. Start one with createTask(async(() -> ...)), or use "
                                + "flatMap(x -> async(() -> ...)) in a reactive chain");
    }

    static IllegalStateException awaitInOperator() {
        return new IllegalStateException(
                "await inside an operator's lambda (map, filter, doOnNext ...), which cannot suspend: "
                        + "use flatMap(x -> async(() -> ...)) instead");
    }

    static IllegalStateException awaitPinned() {
        return new IllegalStateException(
                "await below a class initializer or a native method, whose frames cannot leave the thread that runs the loop: "
                        + "await outside them, or run with -Dasyncio.bodies.kind=virtual");
    }

    static IllegalStateException noRunningLoop(String what) {
        return new IllegalStateException(what + " needs a running event loop, and none runs on thread "
                + Thread.currentThread().getName()
                + ". Call it inside Asyncio.run(...) or a body; from another thread use Asyncio.runThreadsafe(mono, loop) or "
                + "loop.callSoonThreadsafe(...); in a reactive chain just subscribe to the Mono");
    }

    static IllegalStateException runInsideLoop() {
        return new IllegalStateException(
                "Asyncio.run and Runner.run cannot be called from a running event loop: use await(...) in a body, or createTask(...)");
    }

    static IllegalStateException loopClosed() {
        return new IllegalStateException(
                "The event loop is closed: make a new one, or do this before Asyncio.run or EventLoop.close ends it");
    }

    static IllegalStateException noCurrentLoop() {
        return new IllegalStateException("There is no current event loop on thread "
                + Thread.currentThread().getName()
                + ": call EventLoop.setEventLoop(loop) first, or use Asyncio.run(...)");
    }

    static IllegalStateException wrongThread(String what, String loop) {
        return new IllegalStateException("Non-thread-safe operation: " + what + " on " + loop + " from thread "
                + Thread.currentThread().getName()
                + ", which does not run it. Use callSoonThreadsafe(...) from other threads");
    }

    static IllegalStateException executorShutDown(String loop) {
        return new IllegalStateException("Executor shutdown has been called: the default executor of " + loop
                + " takes no more functions. Give runInExecutor an executor of your own");
    }

    static void checkNotPublisher(@Nullable Object value) {
        if (value instanceof Publisher<?>) {
            throw new IllegalStateException(
                    "The body returned a " + value.getClass().getSimpleName() + ", which nothing will subscribe to: "
                            + "did you forget await(...)? If the Mono itself is the result, leave out async");
        }
    }

    /** Like {@link #checkNotPublisher}, for a function that may block and so cannot await. */
    static void checkNotPublisherFromThread(@Nullable Object value) {
        if (value instanceof Publisher<?>) {
            throw new IllegalStateException("The function that was called in another thread returned a "
                    + value.getClass().getSimpleName()
                    + ", which nothing would subscribe to: did you forget await(...)? "
                    + "Await it without toThread or runInExecutor, or call block() on it inside the function");
        }
    }

    static void checkMayBlock() {
        if (Contexts.onLoop()) {
            throw new IllegalStateException("block() would stop the event loop that runs on thread "
                    + Thread.currentThread().getName() + " forever: use await(...) instead");
        }
    }

    /** Adds advice to Reactor's own exception about block(), since its message cannot be changed. */
    static <E extends Throwable> E explain(E e) {
        if (e instanceof IllegalStateException
                && e.getSuppressed().length == 0
                && Log.frames(e).length > 0
                && Log.frames(e)[0].getClassName().startsWith("reactor.core.publisher.Blocking")) {
            e.addSuppressed(new IllegalStateException(
                    "This thread runs an event loop, which block() would stop: use await(...) instead"));
        }
        return e;
    }

    /** Lets the caller write {@code throw sneaky(e)} to throw any exception unchanged. */
    @SuppressWarnings("unchecked")
    static <E extends Throwable> RuntimeException sneaky(Throwable e) throws E {
        throw (E) e;
    }
}
