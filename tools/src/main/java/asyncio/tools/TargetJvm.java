package asyncio.tools;

import com.sun.tools.attach.AgentInitializationException;
import com.sun.tools.attach.AgentLoadException;
import com.sun.tools.attach.AttachNotSupportedException;
import com.sun.tools.attach.VirtualMachine;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import javax.management.JMException;
import javax.management.MBeanServerConnection;
import javax.management.ObjectName;
import javax.management.ReflectionException;
import javax.management.openmbean.CompositeData;
import javax.management.remote.JMXConnector;
import javax.management.remote.JMXConnectorFactory;
import javax.management.remote.JMXServiceURL;
import org.jspecify.annotations.Nullable;

/**
 * Another process under inspection, through the JVM's attach mechanism and local JMX agent. The process needs no
 * preparation: the MBean with its loops is created here, by class name, and removed by {@link #close}.
 */
final class TargetJvm implements AutoCloseable {
    private static final String BEAN_CLASS = "asyncio.management.Loops";
    private static final String BEAN_NAME = "asyncio:type=Loops";

    private final String pid;
    private final VirtualMachine jvm;
    private final JMXConnector connector;
    private final MBeanServerConnection server;
    /** The beans created here. */
    private final List<ObjectName> made = new ArrayList<>();

    private TargetJvm(String pid, VirtualMachine jvm, JMXConnector connector) throws IOException {
        this.pid = pid;
        this.jvm = jvm;
        this.connector = connector;
        this.server = connector.getMBeanServerConnection();
    }

    /** @param agent whether to load an agent into it if its classes are not found otherwise */
    @SuppressWarnings("BanJNDI") // the address comes from the attached JVM, of this machine and user
    static TargetJvm attach(String pid, boolean agent) throws CommandException {
        if (ProcessHandle.of(Long.parseLong(pid)).isEmpty()) {
            throw failed(pid, "there is no such process");
        }
        VirtualMachine jvm = null;
        try {
            jvm = VirtualMachine.attach(pid);
            TargetJvm target = new TargetJvm(
                    pid, jvm, JMXConnectorFactory.connect(new JMXServiceURL(jvm.startLocalManagementAgent())));
            jvm = null; // close() detaches from it
            target.begin(agent);
            return target;
        } catch (AttachNotSupportedException e) {
            throw failed(pid, "it is not a Java process, or cannot be attached to: " + e.getMessage());
        } catch (IOException e) {
            throw failed(pid, reason(pid, e));
        } finally {
            detach(jvm);
        }
    }

    private static CommandException failed(String pid, String reason) {
        return CommandException.failed("Error retrieving tasks of process " + pid + ": " + reason);
    }

    private static String reason(String pid, IOException e) {
        String message = e.getMessage() == null ? e.toString() : e.getMessage();
        return message.contains("No such process")
                ? "there is no such process"
                : message.contains("Operation not permitted") || message.contains("does not own")
                        ? foreign(pid)
                        : message;
    }

    private static String foreign(String pid) {
        String owner = ProcessHandle.of(Long.parseLong(pid))
                .flatMap(process -> process.info().user())
                .orElse("another user");
        return "it belongs to " + owner + ", and a JVM lets only its own user and root look at it: run this as " + owner
                + ", with sudo for instance";
    }

    private void begin(boolean agent) throws CommandException {
        try {
            if (agent) {
                loadAgent();
            } else if (beans().isEmpty()) {
                ObjectName name = new ObjectName(BEAN_NAME);
                server.createMBean(BEAN_CLASS, name);
                made.add(name);
            }
        } catch (ReflectionException e) {
            close();
            throw failed(
                    pid,
                    "the class " + BEAN_CLASS
                            + " is not on its class path. If it has this library in a nested jar, as Spring Boot "
                            + "has it, use --agent, or start it with -Dasyncio.jmx=true");
        } catch (JMException | IOException e) {
            close();
            throw failed(pid, e.toString());
        } catch (CommandException e) {
            close();
            throw e;
        }
    }

    private void loadAgent() throws IOException, JMException, CommandException {
        Set<ObjectName> before = beans();
        Path jar = AgentJar.write();
        try {
            jvm.loadAgent(jar.toString());
        } catch (AgentLoadException | AgentInitializationException e) {
            throw failed(pid, "it does not load agents: " + e.getMessage());
        } finally {
            Files.deleteIfExists(jar);
        }
        made.addAll(beans());
        made.removeAll(before);
        if (beans().isEmpty()) {
            throw failed(pid, "it has not loaded this library, so it has no event loops");
        }
    }

    private Set<ObjectName> beans() throws IOException, JMException {
        return server.queryNames(new ObjectName(BEAN_NAME + ",*"), null);
    }

    /** @param stackLines the number of lines of each body */
    List<TaskRow> tasks(int stackLines) throws CommandException {
        try {
            List<TaskRow> rows = new ArrayList<>();
            for (ObjectName bean : beans()) {
                Object tasks =
                        server.invoke(bean, "tasks", new Object[] {stackLines}, new String[] {int.class.getName()});
                for (CompositeData task : (CompositeData[]) tasks) {
                    rows.add(TaskRow.of(task));
                }
            }
            return rows;
        } catch (JMException | IOException e) {
            throw failed(pid, e.toString());
        }
    }

    /** Restores the process to its former state; it may have ended in the meantime. */
    @Override
    public void close() {
        try (connector) {
            for (ObjectName name : made) {
                server.unregisterMBean(name);
            }
        } catch (JMException | IOException e) {
            // it has ended, and its MBeans with it
        } finally {
            detach(jvm);
        }
    }

    private static void detach(@Nullable VirtualMachine jvm) {
        if (jvm != null) {
            try {
                jvm.detach();
            } catch (IOException e) {
                // the process has ended: there is nothing to detach from
            }
        }
    }
}
