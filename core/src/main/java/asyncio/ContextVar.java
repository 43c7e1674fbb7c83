package asyncio;

import java.util.NoSuchElementException;
import java.util.Objects;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;
import reactor.util.context.Context;
import reactor.util.context.ContextView;

/**
 * A variable with a value of its own in each task, kept in Reactor's context: who is asking, a trace, a deadline. A
 * task begins with the values of the code that creates it, and what it sets then is its own; bodies that it awaits
 * directly belong to it, and share them. Operators see the values in the context of the subscriber, functions of
 * {@link Asyncio#toThread} too.
 *
 * <pre>{@code
 * ContextVar<String> USER = ContextVar.of("user", "nobody");    // a static final field
 *
 * USER.set("ann");              // in a body, from here on
 * String name = USER.get();     // in bodies, callbacks, functions of toThread
 * Mono<String> user = Mono.deferContextual(context -> Mono.just(USER.get(context)));    // in operators
 * Mono<Page> forAnn = page.contextWrite(USER.with("ann"));                              // for what is upstream
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

    /** A variable that has no value where none was set. The name is for messages: two of the same name are two. */
    public static <T> ContextVar<T> of(String name) {
        return new ContextVar<>(name, null);
    }

    /** A variable with a value where none was set. */
    public static <T> ContextVar<T> of(String name, T defaultValue) {
        return new ContextVar<>(name, Objects.requireNonNull(defaultValue, "defaultValue"));
    }

    /**
     * The value for the task, callback or function of {@code toThread} that calls this; elsewhere the default.
     *
     * @throws NoSuchElementException if there is neither
     */
    public T get() {
        return get(Contexts.current());
    }

    /**
     * The value in a context, or the default: for operators, {@code Mono.deferContextual}.
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
     * Sets the value for the running task, from here on: what it has subscribed to before does not see it.
     *
     * @return what {@link #reset} takes to bring back what was before
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
     * Brings back what was before {@link #set}, a lack of a value too.
     *
     * @throws IllegalArgumentException if the token is of another variable or task
     * @throws IllegalStateException if it was used already, or outside a body
     */
    public void reset(Token<T> token) {
        Task<?> task = currentBody("reset");
        if (token.variable != this || token.task != task) {
            throw new IllegalArgumentException(token + " was made by " + token.variable + " in " + token.task.getName()
                    + ", not by " + this + " in " + task.getName());
        }
        if (token.used) {
            throw new IllegalStateException(token + " has been used already: each takes back one set");
        }
        token.used = true;
        Context now = task.getContext();
        T old = token.old;
        task.replaceContext(old == null ? now.delete(this) : now.put(this, old));
    }

    /** For {@code contextWrite}: gives what is upstream a value. */
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
     * One {@link ContextVar#set}, to be taken back. asyncio: {@code contextvars.Token}.
     *
     * @param <T> the type of the value
     */
    public static final class Token<T> {
        private final ContextVar<T> variable;
        private final Task<?> task;
        private final @Nullable T old;
        /** Touched by its task only. */
        private boolean used;

        private Token(ContextVar<T> variable, Task<?> task, @Nullable T old) {
            this.variable = variable;
            this.task = task;
            this.old = old;
        }

        /** The value before, or null if there was none. asyncio: {@code Token.old_value}. */
        public @Nullable T oldValue() {
            return old;
        }

        @Override
        public String toString() {
            return "<Token of " + variable + (used ? ", used" : "") + ">";
        }
    }
}
