package asyncio;

import java.time.Duration;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.TimeoutException;
import java.util.function.Function;
import org.jspecify.annotations.NonNull;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Mono;

/**
 * A scope with a time limit. When the time is up, the body of the scope is cancelled; when it has ended, its clean-up
 * included, the scope fails with a {@link TimeoutException}. Other errors that occur meanwhile and cancellations from
 * outside pass through unchanged; if the body ignores the cancellation and returns, its value is the scope's.
 *
 * <p>Times are on the loop's clock. The timer is not set until the body suspends.
 *
 * <p><b>Threading.</b> The scope runs on one loop. {@link #reschedule} must be called on it; {@link #when} and
 * {@link #expired} may be called from any thread.
 *
 * <pre>{@code
 * Mono<Page> page = Timeout.scope(Duration.ofSeconds(2), timeout -> render(id));
 *
 * List<String> lines = await(Timeout.scopeBody(Duration.ofSeconds(2), timeout -> {
 *     List<String> all = new ArrayList<>();
 *     for (byte[] line; (line = await(reader.readLine())) != null; ) {
 *         all.add(new String(line, UTF_8));
 *         timeout.reschedule(loop.time().plusSeconds(2));            // two more seconds for the next one
 *     }
 *     return all;
 * }));
 * }</pre>
 *
 * <p>asyncio: {@code timeout}, {@code timeout_at}, {@code Timeout}. For a single Mono: {@link Asyncio#waitFor}.
 */
public final class Timeout {
    private final TimeLimitSteps<?> limit;

    Timeout(TimeLimitSteps<?> limit) {
        this.limit = limit;
    }

    // ---- scopes

    /**
     * A scope with a Mono as its body. Nothing happens until subscription; each subscription starts anew. Awaited in a
     * body, it runs in the current task; elsewhere it runs as a task of the running loop, or of one of
     * {@link EventLoop#shared()}.
     *
     * @param delay from subscription on; null for no limit (until {@link #reschedule})
     */
    public static <T> Mono<T> scope(
            @Nullable Duration delay, Function<? super Timeout, ? extends Mono<? extends T>> body) {
        return scope(delay, false, reactive(body), false);
    }

    /** Like {@link #scope}, with straight-line code. */
    public static <T extends @Nullable Object> Mono<T> scopeBody(
            @Nullable Duration delay, BodyFunction<? super Timeout, T> body) {
        return scope(delay, false, straightLine(body), true);
    }

    /** Like {@link #scope}, until a point in time on the loop's clock. asyncio: {@code timeout_at}. */
    public static <T> Mono<T> scopeAt(
            @Nullable Duration when, Function<? super Timeout, ? extends Mono<? extends T>> body) {
        return scope(when, true, reactive(body), false);
    }

    /** Like {@link #scopeAt}, with straight-line code. */
    public static <T extends @Nullable Object> Mono<T> scopeBodyAt(
            @Nullable Duration when, BodyFunction<? super Timeout, T> body) {
        return scope(when, true, straightLine(body), true);
    }

    /**
     * A scope whose time limit is not an error: when the time is up, the body is cancelled and waited for as in
     * {@link #scope}, and then the outcome says so. Errors, cancellations from outside and values that come in spite of
     * the cancellation are treated as there. Nothing happens until subscription; each subscription starts anew.
     *
     * <pre>{@code
     * Page page = await(Timeout.moveOn(Duration.ofSeconds(2), timeout -> render(id))).orElse(placeholder);
     * }</pre>
     *
     * <p>trio: {@code move_on_after}.
     *
     * @param delay from subscription on; null for no limit (until {@link #reschedule})
     * @since 0.1
     */
    public static <T> Mono<Outcome<T>> moveOn(
            @Nullable Duration delay, Function<? super Timeout, ? extends Mono<? extends T>> body) {
        Function<Timeout, Mono<? extends T>> steps = reactive(body);
        return new MonoScope.Supplied<>(
                Timeout.class, false, () -> new MoveOnSteps<T>(new TimeLimitSteps.MovingOn<>(steps, delay)));
    }

    /**
     * Like {@link #moveOn}, with straight-line code.
     *
     * @since 0.1
     */
    public static <T extends @Nullable Object> Mono<Outcome<T>> moveOnBody(
            @Nullable Duration delay, BodyFunction<? super Timeout, T> body) {
        Function<Timeout, Mono<? extends T>> steps = straightLine(body);
        return new MonoScope.Supplied<>(
                Timeout.class, true, () -> new MoveOnSteps<T>(new TimeLimitSteps.MovingOn<>(steps, delay)));
    }

    /**
     * The outcome of {@link #moveOn}, and of a {@link CancelScope}.
     *
     * @param movedOn whether the scope ended because its time was up or it was cancelled
     * @param value the value of the scope; null if it moved on, or was empty
     * @param <T> the type of the value
     * @since 0.1
     */
    public record Outcome<T extends @Nullable Object>(
            boolean movedOn, @Nullable T value) {
        /** Returns the value, or another one if there is none. */
        public T orElse(T other) {
            return value == null ? other : value;
        }

        /** Returns the value, if there is one. */
        public Optional<@NonNull T> toOptional() {
            return Optional.ofNullable(value);
        }
    }

    private static <T> Function<Timeout, Mono<? extends T>> reactive(
            Function<? super Timeout, ? extends Mono<? extends T>> body) {
        Objects.requireNonNull(body, "body");
        return timeout -> {
            try {
                return Objects.requireNonNull(
                        body.apply(timeout), "The body of the scope returned null instead of a Mono");
            } catch (Throwable e) {
                return Mono.error(e);
            }
        };
    }

    private static <T extends @Nullable Object> Function<Timeout, Mono<? extends T>> straightLine(
            BodyFunction<? super Timeout, T> body) {
        Objects.requireNonNull(body, "body");
        return timeout -> new MonoCoroutine<>(() -> body.apply(timeout), body);
    }

    private static <T> Mono<T> scope(
            @Nullable Duration time,
            boolean absolute,
            Function<Timeout, Mono<? extends T>> body,
            boolean straightLine) {
        return new MonoScope.Supplied<>(
                Timeout.class, straightLine, () -> new TimeLimitSteps<T>(null, body, time, absolute));
    }

    // ---- API

    /** Returns when the time is up, on the loop's clock; null for no limit. */
    public @Nullable Duration when() {
        return limit.when();
    }

    /**
     * Moves the limit.
     *
     * @param when the limit on the loop's clock; a time that has passed takes effect in the next tick; null for no
     *     limit
     * @throws IllegalStateException if the time is up or the scope has ended, or if called off the loop's thread
     */
    public void reschedule(@Nullable Duration when) {
        limit.reschedule(when);
    }

    /** Returns whether the time was up before the scope ended. */
    public boolean expired() {
        return limit.expired();
    }

    /** {@code <Timeout [active] when=PT5S>}. */
    @Override
    public String toString() {
        return "<Timeout " + limit + ">";
    }
}
