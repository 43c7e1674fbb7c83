package asyncio.subprocess;

import java.io.IOException;
import java.io.InputStream;
import java.lang.ProcessBuilder.Redirect;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;

/** Sends signals that the JDK cannot send, with the shell's {@code kill}, which every Unix has. */
final class KillCommand {
    /** The number of process IDs that fit into the argument limit of every system. */
    private static final int AT_ONCE = 4_000;
    /** The longest time until a child that has started is the leader of its group, and the pause between two tries. */
    private static final long NEW_GROUP_NANOS = TimeUnit.SECONDS.toNanos(1);

    private static final long POLL_NANOS = TimeUnit.MILLISECONDS.toNanos(2);

    private KillCommand() {}

    /** Returns the name of a signal without {@code SIG}, in capitals. */
    static String name(String signal) {
        String name = signal.toUpperCase(Locale.ROOT);
        name = name.startsWith("SIG") ? name.substring(3) : name;
        if (!name.matches("[A-Z][A-Z0-9]*([+-][0-9]+)?")) {
            throw new IllegalArgumentException(
                    "\"" + signal + "\" is not the name of a signal, such as HUP or SIGUSR1");
        }
        return name;
    }

    /**
     * Sends a signal to a child or its group. Blocks. The child is checked just before: its process ID could only be
     * reused if the system went through all others within the millisecond that the shell takes.
     *
     * @return null
     */
    static Void send(ChildProcess child, String signal, boolean group) throws IOException, InterruptedException {
        if (!child.isAlive()) {
            throw tooLate(child, signal);
        }
        long begun = System.nanoTime();
        while (true) {
            Process kill = kill(signal, List.of((group ? "-" : "") + child.process.pid()));
            String answer = new String(kill.getInputStream().readAllBytes(), StandardCharsets.UTF_8).trim();
            if (kill.waitFor() == 0) {
                child.signalSent(signal, group);
                return null;
            }
            if (!child.handle.isAlive()) {
                child.process.waitFor(); // it is reaped, although the JDK may not have recorded that yet
                throw tooLate(child, signal);
            }
            if (group && answer.contains("No such process") && System.nanoTime() - begun < NEW_GROUP_NANOS) {
                LockSupport.parkNanos(POLL_NANOS); // it has started, but has not become the leader of its group yet
                continue;
            }
            throw new IllegalArgumentException("Signal " + signal + " could not be sent to " + child + ": " + answer);
        }
    }

    /**
     * Sends a signal to processes. Blocks. Processes that have ended or have more rights than this process are skipped.
     */
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
