package asyncio;

import asyncio.Timeout.Outcome;
import java.time.Duration;
import java.util.Objects;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Mono;

/**
 * A scope that can be cancelled from inside and from outside; scopes may be nested to any depth. When a scope is
 * cancelled, the work in it is cancelled and waited for, including its clean-up, and the scope ends without an error:
 * its {@link Outcome} shows it. Errors are passed on unchanged, and so are a value that the work still produces and a
 * cancellation of the enclosing task.
 *
 * <p>Straight-line code in a cancelled scope cannot wait any more: <em>each</em> of its awaits throws a
 * {@link CancelledException} until the scope is left, even after one was caught. (The cancellation of a task is
 * delivered once.) Clean-up that must wait goes into {@link Asyncio#shieldedCleanup}, or into a scope inside with a
 * {@link #shield}. Tasks of a group in the scope are cancelled as that group cancels them.
 *
 * <p>This applies to each await of the code of {@link #scopeBody}, and of code that runs in the same task: a body
 * inside a {@link #scope} that is not awaited by a body is its own task, and is cancelled once, like any task.
 *
 * <p><b>Threading.</b> The scope runs on one loop. {@link #cancel} and the getters may be called from any thread,
 * {@link #reschedule} only on the loop.
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
 * <p>asyncio has none; trio and anyio: {@code CancelScope}.
 *
 * @since 0.1
 */
public final class CancelScope {
    private final CancelScopeSteps<?> steps;

    CancelScope(CancelScopeSteps<?> steps) {
        this.steps = steps;
    }

    /**
     * Returns a scope around a Mono. Nothing happens until subscription; each subscription starts a new scope. Awaited
     * in a body it runs in the current task; elsewhere as a task of the running loop, or of one of
     * {@link EventLoop#shared()}.
     *
     * @param body returns the Mono to run; called with the scope, on the loop
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

    /** Like {@link #scope}, with straight-line code. */
    public static <T extends @Nullable Object> Mono<Outcome<T>> scopeBody(BodyFunction<? super CancelScope, T> body) {
        Objects.requireNonNull(body, "body");
        return open(true, scope -> new MonoCoroutine<>(() -> body.apply(scope), body));
    }

    private static <T extends @Nullable Object> Mono<Outcome<T>> open(
            boolean straightLine, Function<? super CancelScope, ? extends Mono<? extends T>> body) {
        return new MonoScope.Guarded<>(
                CancelScope.class, straightLine, () -> new MoveOnSteps<T>(new CancelScopeSteps<>(body)));
    }

    /** Cancels the work in the scope; does nothing if the scope was already cancelled or has ended. From any thread. */
    public void cancel() {
        cancel(null);
    }

    /**
     * Like {@link #cancel()}.
     *
     * @param reason the message of the {@link CancelledException}s
     */
    public void cancel(@Nullable String reason) {
        steps.cancel(reason);
    }

    /**
     * Keeps cancellations of the scopes around this one off what runs in it, or lets them through again. One that comes
     * meanwhile, or has come since the last await, is delivered when the shield is taken away, or when this scope is
     * left: at the next await, or at once if the code in the scope is waiting. The shield is no help against the
     * scope's own {@link #cancel}. It concerns cancel scopes, with their deadlines, that are open in the same task; a
     * cancellation of the task itself, and a {@link Timeout} around, come through.
     *
     * <pre>{@code
     * Mono<Timeout.Outcome<Void>> released = CancelScope.scopeBody(scope -> {
     *     scope.shield(true);                                            // from here on all or nothing
     *     scope.reschedule(loop.time().plusSeconds(5));                  // but not for ever
     *     await(connection.update(sql));
     *     return await(connection.release());
     * });
     * }</pre>
     *
     * <p>trio: {@code CancelScope.shield}.
     *
     * @throws IllegalStateException if it has ended, or on another thread than the loop's
     */
    @Experimental
    public void shield(boolean on) {
        steps.shield(on);
    }

    /** Returns whether cancellations of the scopes around this one are kept off. */
    public boolean isShield() {
        return steps.isShield();
    }

    /** Returns whether it was cancelled, or its time ran out, before it ended. */
    public boolean cancelCalled() {
        return steps.expired();
    }

    /** Returns the message that it was cancelled with, or null. */
    public @Nullable String reason() {
        return steps.reason();
    }

    /** Returns the time on the loop's clock when it will be cancelled; null for no limit, the initial state. */
    public @Nullable Duration when() {
        return steps.when();
    }

    /**
     * Sets the time when it is cancelled.
     *
     * @param when on the loop's clock; a time that has passed takes effect in the next tick; null for no limit
     * @throws IllegalStateException if it was cancelled or has ended, or on a thread other than the loop's
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
