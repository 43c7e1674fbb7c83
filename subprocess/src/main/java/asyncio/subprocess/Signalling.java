package asyncio.subprocess;

import java.io.IOException;
import java.lang.ProcessBuilder.Redirect;
import java.nio.charset.StandardCharsets;
import java.util.Locale;

/** Signals that the JDK cannot send, by the {@code kill} of the shell, which every Unix has. */
final class Signalling {
    private Signalling() {}

    /** Without {@code SIG}, in capitals. */
    static String name(String signal) {
        String name = signal.toUpperCase(Locale.ROOT);
        name = name.startsWith("SIG") ? name.substring(3) : name;
        if (!name.matches("[A-Z][A-Z0-9]*([+-][0-9]+)?")) {
            throw new IllegalArgumentException("\"" + signal + "\" is no name of a signal, as HUP or SIGUSR1 are");
        }
        return name;
    }

    /**
     * Blocks. The child is looked at just before: its number would have to go round all others within the millisecond
     * that the shell takes.
     *
     * @return null
     */
    static Void send(Child child, String signal, boolean group) throws IOException, InterruptedException {
        if (!child.isAlive()) {
            throw tooLate(child, signal);
        }
        String target = (group ? "-" : "") + child.process.pid();
        Process kill = new ProcessBuilder("/bin/sh", "-c", "kill -s \"$1\" -- \"$2\"", "sh", signal, target)
                .redirectErrorStream(true)
                .redirectInput(Redirect.from(Redirect.DISCARD.file()))
                .start();
        String answer = new String(kill.getInputStream().readAllBytes(), StandardCharsets.UTF_8).trim();
        if (kill.waitFor() != 0) {
            if (!child.handle.isAlive()) {
                child.process.waitFor(); // it is reaped, though the JDK may not have noted it yet
                throw tooLate(child, signal);
            }
            throw new IllegalArgumentException("Signal " + signal + " could not be sent to " + child + ": " + answer);
        }
        return null;
    }

    static ProcessLookupException tooLate(Child child, String signal) {
        return new ProcessLookupException("Cannot send " + signal + " to " + child + ": it has ended"
                + (child.isAlive() ? "" : ", with return code " + child.returnCode()));
    }
}
