package asyncio;

/** An exception with a message that cannot be read. */
public final class UnprintableException extends RuntimeException {
    private static final long serialVersionUID = 1;

    @Override
    public String getMessage() {
        throw new IllegalStateException("of getMessage");
    }
}
