package asyncio;

import asyncio.internal.loop.LoopCore;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import reactor.util.context.ContextView;

/** One registration of {@link Future#addDoneCallback}. */
final class DoneCallback<T> extends Waiter {
    private final Future<T> future;
    private final Consumer<? super Future<T>> callback;
    private final ContextView context;

    DoneCallback(Future<T> future, Consumer<? super Future<T>> callback, ContextView context) {
        this.future = future;
        this.callback = callback;
        this.context = context;
    }

    @Override
    Consumer<? super Future<T>> callback() {
        return callback;
    }

    @Override
    @Nullable LoopCore resumesOn() {
        return EventLoop.coreOf(future.getLoop());
    }

    @Override
    public void run() {
        EventLoop loop = future.getLoop();
        if (loop == null) {
            Contexts.runWith(context, () -> callback.accept(future));
            return;
        }
        ContextView outer = loop.enterContext(context);
        try (ThreadLocals.Scope locals = ThreadLocals.restore(context)) {
            call(loop);
        } finally {
            loop.leaveContext(outer);
        }
    }

    private void call(EventLoop loop) {
        try {
            callback.accept(future);
        } catch (Exception e) {
            loop.callExceptionHandler(ExceptionContext.of("Exception in done callback " + Log.text(callback))
                    .exception(Misuse.explain(e))
                    .future(future)
                    .build());
        }
    }

    @Override
    public String toString() {
        return "<done callback " + Log.text(callback) + " of " + future + ">";
    }
}
