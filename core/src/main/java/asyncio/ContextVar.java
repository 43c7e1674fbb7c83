package asyncio;

import java.util.NoSuchElementException;
import java.util.Objects;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;
import reactor.util.context.Context;
import reactor.util.context.ContextView;

/**
 * A variable with a separate value in each task, kept in Reactor's context: the current user, a trace, a deadline. A
 * task begins with the values of the code that creates it, and values that it sets are its own; bodies that it awaits
 * directly belong to it and share them. Operators, and functions of {@link Asyncio#toThread}, see the values in the
 * context of the subscriber.
 *
 * <pre>{@code
 * ContextVar<String> USER = ContextVar.of("user", "nobody");    // a static final field
 *
 * USER.set("ann");              // in a body, from here on
 * String name = USER.get();     // in bodies, callbacks, functions of toThread
 * Mono<String> user = Mono.deferContextual(context -> Mono.just(USER.get(context)));    // in operators
 * Mono<Page> forAnn = page.contextWrite(USER.with("ann"));                              // for upstream operators
 * }</pre>
 *
 * <p>Thread-safe. asyncio: {@code contextvars.ContextVar}; {@code copy_context()} is {@link Asyncio#currentContext()}.
 *
 * @param <T> the type of the value
 */
public final class ContextVar<T> {
    private final String name;
    private final @Nullable T defaultValue;

    private ContextVar(String name, @Nullable T defaultValue) {
        this.name = Objects.requireNonNull(name, "name");
        this.defaultValue = defaultValue;
    }

    /**
     * Returns a variable that has no value unless one is set. The name is for messages: two variables of the same name
     * are distinct.
     */
    public static <T> ContextVar<T> of(String name) {
        return new ContextVar<>(name, null);
    }

    /** Returns a variable with a default value. */
    public static <T> ContextVar<T> of(String name, T defaultValue) {
        return new ContextVar<>(name, Objects.requireNonNull(defaultValue, "defaultValue"));
    }

    /**
     * Returns the value for the calling task, callback or function of {@code toThread}; elsewhere the default.
     *
     * @throws NoSuchElementException if there is neither
     */
    public T get() {
        return get(Contexts.current());
    }

    /**
     * Returns the value in a context, or the default; for operators such as {@code Mono.deferContextual}.
     *
     * @throws NoSuchElementException if there is neither
     */
    public T get(ContextView context) {
        T value = context.getOrDefault(this, defaultValue);
        if (value == null) {
            throw new NoSuchElementException("The context variable " + name
                    + " has no value here: set it in the body, write it into the context, or give it a default");
        }
        return value;
    }

    /**
     * Sets the value for the running task from now on: earlier subscriptions do not see it.
     *
     * @return a token for {@link #reset}, which restores the previous value
     * @throws IllegalStateException outside a body: operators write it into the context by {@link #with}, and a
     *     callback is given its context when it is scheduled
     */
    public Token<T> set(T value) {
        Objects.requireNonNull(value, "value");
        Task<?> task = currentBody("set");
        Context before = task.getContext();
        Token<T> token = new Token<>(this, task, before.getOrDefault(this, null));
        task.replaceContext(before.put(this, value));
        return token;
    }

    /**
     * Restores the state before {@link #set}, even if there was no value.
     *
     * @throws IllegalArgumentException if the token is of another variable or task
     * @throws IllegalStateException if it was already used, or outside a body
     */
    public void reset(Token<T> token) {
        Task<?> task = currentBody("reset");
        if (token.variable != this || token.task != task) {
            throw new IllegalArgumentException(token + " was made by " + token.variable + " in " + token.task.getName()
                    + ", not by " + this + " in " + task.getName());
        }
        if (token.used) {
            throw new IllegalStateException(token + " has already been used: each takes back one set");
        }
        token.used = true;
        Context now = task.getContext();
        T old = token.old;
        task.replaceContext(old == null ? now.delete(this) : now.put(this, old));
    }

    /** Returns a function for {@code contextWrite} that sets the value for upstream operators. */
    public UnaryOperator<Context> with(T value) {
        Objects.requireNonNull(value, "value");
        return context -> context.put(this, value);
    }

    private Task<?> currentBody(String what) {
        EventLoop loop = EventLoop.runningOrNull();
        if (loop == null || !(loop.currentTask() instanceof BodyTask<?> body)) {
            throw new IllegalStateException("Cannot " + what + " " + this
                    + " outside a body: write it into the context, contextWrite(variable.with(value))");
        }
        return body;
    }

    /** {@code <ContextVar user>}. */
    @Override
    public String toString() {
        return "<ContextVar " + name + ">";
    }

    /**
     * The token of one {@link ContextVar#set}, to undo it. asyncio: {@code contextvars.Token}.
     *
     * @param <T> the type of the value
     */
    public static final class Token<T> {
        private final ContextVar<T> variable;
        private final Task<?> task;
        private final @Nullable T old;
        /** Accessed only by its task. */
        private boolean used;

        private Token(ContextVar<T> variable, Task<?> task, @Nullable T old) {
            this.variable = variable;
            this.task = task;
            this.old = old;
        }

        /** Returns the previous value, or null if there was none. asyncio: {@code Token.old_value}. */
        public @Nullable T oldValue() {
            return old;
        }

        @Override
        public String toString() {
            return "<Token of " + variable + (used ? ", used" : "") + ">";
        }
    }
}
