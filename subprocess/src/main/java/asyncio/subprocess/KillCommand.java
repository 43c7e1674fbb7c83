package asyncio.subprocess;

import java.io.IOException;
import java.io.InputStream;
import java.lang.ProcessBuilder.Redirect;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/** Signals that the JDK cannot send, by the {@code kill} of the shell, which every Unix has. */
final class KillCommand {
    /** So many numbers are short enough for every system's arguments. */
    private static final int AT_ONCE = 4_000;

    private KillCommand() {}

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
    static Void send(ChildProcess child, String signal, boolean group) throws IOException, InterruptedException {
        if (!child.isAlive()) {
            throw tooLate(child, signal);
        }
        Process kill = kill(signal, List.of((group ? "-" : "") + child.process.pid()));
        String answer = new String(kill.getInputStream().readAllBytes(), StandardCharsets.UTF_8).trim();
        if (kill.waitFor() != 0) {
            if (!child.handle.isAlive()) {
                child.process.waitFor(); // it is reaped, though the JDK may not have noted it yet
                throw tooLate(child, signal);
            }
            throw new IllegalArgumentException("Signal " + signal + " could not be sent to " + child + ": " + answer);
        }
        child.signalSent(signal, group);
        return null;
    }

    /** Blocks. One that has ended, or has more rights than this process, gets none. */
    static void sendTo(String signal, List<ProcessHandle> processes) throws IOException {
        List<String> pids = new ArrayList<>();
        processes.forEach(process -> pids.add(Long.toString(process.pid())));
        for (int n = 0; n < pids.size(); n += AT_ONCE) {
            Process kill = kill(signal, pids.subList(n, Math.min(n + AT_ONCE, pids.size())));
            try (InputStream answer = kill.getInputStream()) {
                answer.readAllBytes();
                kill.waitFor();
            } catch (InterruptedException e) {
                throw new IllegalStateException("these threads are never interrupted", e);
            }
        }
    }

    private static Process kill(String signal, List<String> targets) throws IOException {
        List<String> words = new ArrayList<>(
                List.of("/bin/sh", "-c", "signal=$1; shift; kill -s \"$signal\" -- \"$@\"", "sh", signal));
        words.addAll(targets);
        return new ProcessBuilder(words)
                .redirectErrorStream(true)
                .redirectInput(Redirect.from(Redirect.DISCARD.file()))
                .start();
    }

    static ProcessLookupException tooLate(LaunchedChild child, String signal) {
        return new ProcessLookupException("Cannot send " + signal + " to " + child + ": it has ended"
                + (child.isAlive() ? "" : ", with return code " + child.returnCode()));
    }
}
