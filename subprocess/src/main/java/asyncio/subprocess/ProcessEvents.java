package asyncio.subprocess;

import jdk.jfr.Category;
import jdk.jfr.Description;
import jdk.jfr.Event;
import jdk.jfr.Label;
import jdk.jfr.Name;
import jdk.jfr.StackTrace;
import org.jspecify.annotations.Nullable;

/**
 * The flight recorder events of children; to be used only if {@link asyncio.Flight#PRESENT}. They contain the program,
 * but never its arguments or environment, which may hold secrets.
 */
@SuppressWarnings("unused") // the recorder reads the fields of events
final class ProcessEvents {
    private ProcessEvents() {}

    /** Records the start of a child and returns the event of its exit, which has begun. */
    static Object started(long pid, Command command) {
        SubprocessStart start = new SubprocessStart();
        start.child = pid;
        start.command = command.words().get(0);
        start.cwd = command.cwd() == null ? null : command.cwd().toString();
        start.commit();
        SubprocessExit exit = new SubprocessExit();
        exit.child = pid;
        exit.command = start.command;
        exit.begin();
        return exit;
    }

    /** @param returnCode -n for signal n */
    static void exited(Object begun, int returnCode) {
        SubprocessExit event = (SubprocessExit) begun;
        event.code = returnCode;
        event.signal = Math.max(0, -returnCode);
        event.commit();
    }

    static void signalSent(long pid, String command, String signal, boolean group) {
        SignalSent event = new SignalSent();
        event.child = pid;
        event.command = command;
        event.signal = signal;
        event.group = group;
        event.commit();
    }

    // ---- the events

    @Category("asyncio")
    @StackTrace(false)
    private abstract static class OfChild extends Event {
        @Label("Child")
        @Description("Its pid")
        long child;

        @Label("Command")
        @Description("The program, without its arguments")
        @Nullable String command;
    }

    @Name("asyncio.SubprocessStart")
    @Label("Subprocess Start")
    private static final class SubprocessStart extends OfChild {
        @Label("Working Directory")
        @Nullable String cwd;
    }

    @Name("asyncio.SubprocessExit")
    @Label("Subprocess Exit")
    @Description("A child has ended; the duration is its lifetime")
    private static final class SubprocessExit extends OfChild {
        @Label("Return Code")
        @Description("-n for signal n")
        int code;

        @Label("Signal")
        @Description("0 if it was not killed by one")
        int signal;
    }

    @Name("asyncio.SignalSent")
    @Label("Signal Sent")
    private static final class SignalSent extends OfChild {
        @Label("Signal")
        @Nullable String signal;

        @Label("To Its Group")
        boolean group;
    }
}
