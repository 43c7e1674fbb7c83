package asyncio;

/** An exception whose message cannot be had. */
public final class UnprintableException extends RuntimeException {
    private static final long serialVersionUID = 1;

    @Override
    public String getMessage() {
        throw new IllegalStateException("of getMessage");
    }
}
