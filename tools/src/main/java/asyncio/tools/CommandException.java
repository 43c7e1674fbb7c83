package asyncio.tools;

/** Thrown when a command fails; has the message to print and the exit status. */
final class CommandException extends Exception {
    private static final long serialVersionUID = 1;

    /** The exit status for wrong arguments. */
    static final int USAGE = 2;

    private final int status;

    private CommandException(String message, int status) {
        super(message);
        this.status = status;
    }

    static CommandException failed(String message) {
        return new CommandException(message, 1);
    }

    static CommandException usage(String message) {
        return new CommandException(message, USAGE);
    }

    int status() {
        return status;
    }
}
