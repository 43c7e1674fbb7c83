package asyncio.tools;

import com.sun.tools.attach.AttachNotSupportedException;
import com.sun.tools.attach.VirtualMachine;
import com.sun.tools.attach.VirtualMachineDescriptor;
import java.io.IOException;
import java.io.PrintStream;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;

/** The Java processes of this user that have event loops, as marked by a system property. */
final class JvmList {
    private static final String MARK = "io.asyncio.loops";

    private final PrintStream err;

    JvmList(PrintStream err) {
        this.err = err;
    }

    /** Prints them; returns the exit status. */
    int print(CommandLine.Format format, PrintStream out) {
        List<VirtualMachineDescriptor> jvms = new ArrayList<>(VirtualMachine.list());
        jvms.sort(Comparator.comparingLong(jvm -> Long.parseLong(jvm.id())));
        Table table = new Table("pid", "program");
        String own = Long.toString(ProcessHandle.current().pid());
        for (VirtualMachineDescriptor jvm : jvms) {
            if (!jvm.id().equals(own) && hasLoops(jvm)) {
                table.add(jvm.id(), jvm.displayName());
            }
        }
        table.print(format, out);
        return 0;
    }

    private boolean hasLoops(VirtualMachineDescriptor descriptor) {
        try {
            VirtualMachine jvm = VirtualMachine.attach(descriptor);
            try {
                return jvm.getSystemProperties().containsKey(MARK);
            } finally {
                jvm.detach();
            }
        } catch (AttachNotSupportedException | IOException e) {
            if (ProcessHandle.of(Long.parseLong(descriptor.id())).isPresent()) {
                err.println(
                        "Process " + descriptor.id() + " is omitted, since it cannot be inspected: " + e.getMessage());
            } // else it has just ended
            return false;
        }
    }
}
