package asyncio;

import reactor.util.context.Context;
import reactor.util.context.ContextView;

/**
 * Work of a loop that lasts and is not a task: a connection, or a run of a child process. {@link LoopListener}s are
 * told of its beginning and of its end.
 *
 * <p><b>Threading.</b> The getters may be called from any thread. An activity ends once: with the first of its result,
 * its failure and its cancellation.
 *
 * <pre>{@code
 * loop.addListener(new LoopListener() {
 *     @Override
 *     public void activityEnded(Activity activity, LoopListener.Outcome outcome, Throwable exception) {
 *         System.out.println(activity + " " + outcome);         // CLIENT example.org:80 RESULT
 *     }
 * });
 * }</pre>
 *
 * <p>asyncio: none.
 *
 * @since 0.1
 */
public abstract class Activity {
    /** The kinds of activities. */
    public enum Kind {
        /** A connection that this program opens, from the attempt to the close; its name is the address asked for. */
        CLIENT,
        /** A connection that a server has accepted, until the close; its name is the address of the client. */
        SERVER,
        /** A call of {@code Subprocess.run}, until its result; its name is the program, without arguments. */
        SUBPROCESS_RUN
    }

    private final Kind kind;
    private final String name;
    private volatile ContextView context;

    Activity(Kind kind, String name, ContextView context) {
        this.kind = kind;
        this.name = name;
        this.context = context;
    }

    /** Returns its kind. */
    public final Kind getKind() {
        return kind;
    }

    /** Returns its name: an address or a program. */
    public final String getName() {
        return name;
    }

    /** Returns the context of its subscriber, for a server's connection that of the server's, with what was put. */
    public final ContextView getContext() {
        return context;
    }

    /**
     * Puts a value into the context of the code that works for this activity: the handler or the protocol of a
     * connection. Only while {@link LoopListener#activityBegun} is called.
     */
    public final void putContext(Object key, Object value) {
        context = Context.of(context).put(key, value);
    }

    /** {@code SUBPROCESS_RUN git}. */
    @Override
    public final String toString() {
        return kind + " " + name;
    }
}
