package asyncio;

import java.util.List;

/** Several exceptions at once. */
public final class ExceptionGroup extends Exception {
    private static final long serialVersionUID = 1;

    private final transient List<Throwable> exceptions;

    /** A group. */
    public ExceptionGroup(String message, List<? extends Throwable> exceptions) {
        super(message);
        this.exceptions = List.copyOf(exceptions);
    }

    /** The exceptions. */
    public List<Throwable> exceptions() {
        return exceptions;
    }
}
