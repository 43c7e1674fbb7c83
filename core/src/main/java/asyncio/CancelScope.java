package asyncio;

import asyncio.Timeout.Outcome;
import java.time.Duration;
import java.util.Objects;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Mono;

/**
 * A scope that can be cancelled from inside and from outside, as often nested as needed. When it is, what runs in it is
 * cancelled and waited for, its clean-up included, and the scope ends without an error: its {@link Outcome} says so.
 * Errors, and a value that comes all the same, come out as they are; so does a cancellation of the task around.
 *
 * <p>Straight-line code in a cancelled scope cannot wait any more: <em>each</em> of its awaits throws a
 * {@link CancelledException} until the scope is left, also after one was caught. (The cancellation of a task is
 * delivered once.) Only {@link Asyncio#shieldedCleanup} is let through, for clean-up that must wait. Tasks of a group
 * in the scope are cancelled as that group cancels them.
 *
 * <p>Each await of the code of {@link #scopeBody}, that is, and of code that runs in the same task: a body inside a
 * {@link #scope} that no body awaits is a task of its own, and is cancelled once, as any task.
 *
 * <p><b>Threading.</b> The scope runs on one loop. {@link #cancel} and the questions may come from any thread;
 * {@link #reschedule} belongs to the loop.
 *
 * <pre>{@code
 * Timeout.Outcome<Integer> sent = await(CancelScope.scopeBody(scope -> {
 *     loop.addSignalHandler("INT", scope::cancel);
 *     int count = 0;
 *     for (byte[] line; (line = await(reader.readLine())) != null; count++) {
 *         await(feed(new String(line, UTF_8)));
 *     }
 *     return count;
 * }));
 * if (sent.movedOn()) {
 *     System.out.println("stopped by Ctrl-C");
 * }
 * }</pre>
 *
 * <p>asyncio: none; trio and anyio: {@code CancelScope}.
 *
 * @since 0.1
 */
public final class CancelScope {
    private final CancelScopeSteps<?> steps;

    CancelScope(CancelScopeSteps<?> steps) {
        this.steps = steps;
    }

    /**
     * A scope around a Mono. Nothing happens until subscription; each begins anew. Awaited in a body it runs in the
     * current task; elsewhere as a task of the running loop, or of one of {@link EventLoop#shared()}.
     *
     * @param body gives what to do; is called with the scope, on the loop
     */
    public static <T> Mono<Outcome<T>> scope(Function<? super CancelScope, ? extends Mono<? extends T>> body) {
        Objects.requireNonNull(body, "body");
        return open(false, scope -> {
            try {
                return Objects.requireNonNull(
                        body.apply(scope), "The body of the scope returned null instead of a Mono");
            } catch (Throwable e) {
                return Mono.error(e);
            }
        });
    }

    /** As {@link #scope}, with straight-line code. */
    public static <T extends @Nullable Object> Mono<Outcome<T>> scopeBody(BodyFunction<? super CancelScope, T> body) {
        Objects.requireNonNull(body, "body");
        return open(true, scope -> new MonoCoroutine<>(() -> body.apply(scope), body));
    }

    private static <T extends @Nullable Object> Mono<Outcome<T>> open(
            boolean straightLine, Function<? super CancelScope, ? extends Mono<? extends T>> body) {
        return new MonoScope.Supplied<>(
                CancelScope.class, straightLine, () -> new MoveOnSteps<T>(new CancelScopeSteps<>(body)));
    }

    /** Cancels what runs in the scope; does nothing if it was cancelled before or is over. From any thread. */
    public void cancel() {
        cancel(null);
    }

    /**
     * As {@link #cancel()}.
     *
     * @param reason the message of the {@link CancelledException}s
     */
    public void cancel(@Nullable String reason) {
        steps.cancel(reason);
    }

    /** Whether it was cancelled, or its time was out, before it ended. */
    public boolean cancelCalled() {
        return steps.expired();
    }

    /** Returns the message that it was cancelled with; null if there is none. */
    public @Nullable String reason() {
        return steps.reason();
    }

    /** Returns when it will be cancelled, on the loop's clock; null for no limit, as it is at first. */
    public @Nullable Duration when() {
        return steps.when();
    }

    /**
     * Has it cancelled at a time.
     *
     * @param when on the loop's clock; a time that has passed takes effect in the next tick; null for no limit
     * @throws IllegalStateException if it was cancelled or has ended, or on another thread than the loop's
     */
    public void reschedule(@Nullable Duration when) {
        steps.reschedule(when);
    }

    /** {@code <CancelScope [active] when=PT5S>}. */
    @Override
    public String toString() {
        return "<CancelScope " + steps + ">";
    }
}
