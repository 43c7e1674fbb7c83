package asyncio;

import asyncio.internal.loop.BodyThreads;
import java.time.Duration;
import java.util.List;
import java.util.function.BiConsumer;
import org.jspecify.annotations.Nullable;
import reactor.util.context.ContextView;

/**
 * Tells a loop's exception handler, and sees to it that a handler that fails stops nothing. Errors, unlike exceptions,
 * go through.
 */
final class ExceptionReporter {
    /** Of bodies that got no thread, in the whole process: there may be thousands at once, all for the same reason. */
    private static final RateLimit REFUSALS_IN_A_MINUTE =
            new RateLimit(10, Duration.ofMinutes(1).toNanos());

    private final EventLoop loop;
    volatile @Nullable BiConsumer<? super EventLoop, ? super ExceptionContext> handler;

    ExceptionReporter(EventLoop loop) {
        this.loop = loop;
    }

    void report(ExceptionContext what) {
        ContextView context = contextOf(what);
        try (ThreadLocals.Scope locals = context == null ? null : ThreadLocals.restore(context)) {
            tell(what, context);
        }
    }

    /** The context of the task or callback that failed, if it is known. */
    private static @Nullable ContextView contextOf(ExceptionContext what) {
        return what.task() != null
                ? what.task().getContext()
                : what.handle() != null ? what.handle().getContext() : null;
    }

    private void tell(ExceptionContext what, @Nullable ContextView context) {
        BiConsumer<? super EventLoop, ? super ExceptionContext> handler = this.handler;
        if (handler == null) {
            log(what, "Exception in default exception handler");
            return;
        }
        try {
            callInContext(handler, what, context);
        } catch (Exception e) {
            log(
                    ExceptionContext.of("Unhandled error in exception handler")
                            .exception(e)
                            .context(what)
                            .build(),
                    "Exception in default exception handler while handling an unexpected error in custom exception handler");
        }
    }

    private void callInContext(
            BiConsumer<? super EventLoop, ? super ExceptionContext> handler,
            ExceptionContext what,
            @Nullable ContextView context) {
        if (context == null || !loop.core.inEventLoop()) {
            handler.accept(loop, what);
            return;
        }
        ContextView outer = loop.enterContext(context);
        try {
            handler.accept(loop, what);
        } finally {
            loop.leaveContext(outer);
        }
    }

    /** The text is made of what the user's {@code toString} methods say, which may fail. */
    private static void log(ExceptionContext what, String otherwise) {
        try {
            log(what);
        } catch (Exception | StackOverflowError e) {
            Suppressed.add(e, what.exception() == null ? new Throwable(what.message()) : what.exception());
            Log.error(otherwise, e);
        }
    }

    /** Message, what is concerned, where it was made; then what a handler that failed had been told. */
    static void log(ExceptionContext what) {
        int withheld =
                what.exception() instanceof BodyThreads.Refusal ? REFUSALS_IN_A_MINUTE.pass(System.nanoTime()) : 0;
        if (withheld == RateLimit.WITHHELD) {
            return;
        }
        StringBuilder text = new StringBuilder(what.message());
        if (withheld > 0) {
            text.append("; ").append(withheld).append(" bodies before it that got no thread were left out here");
        }
        append(text, "future", what.future());
        append(text, "handle", what.handle());
        append(text, "protocol", what.protocol());
        append(text, "socket", what.socket());
        append(text, "task", what.task());
        append(text, "transport", what.transport());
        append(text, "Object created at (most recent call first):", what.sourceTraceback());
        append(text, "Handle created at (most recent call first):", what.handleTraceback());
        Log.error(text.toString(), what.exception());
        if (what.context() != null) {
            log(what.context());
        }
    }

    private static void append(StringBuilder text, String key, @Nullable Object value) {
        if (value != null) {
            text.append('\n').append(key).append(": ").append(value);
        }
    }

    private static void append(StringBuilder text, String heading, List<StackTraceElement> frames) {
        if (!frames.isEmpty()) {
            text.append('\n').append(heading);
            frames.forEach(frame -> text.append("\n    at ").append(frame));
        }
    }
}
