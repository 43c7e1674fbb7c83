package asyncio.management;

import asyncio.EventLoop;
import java.lang.management.ManagementFactory;
import java.util.Comparator;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import javax.management.JMException;
import javax.management.MBeanServer;
import javax.management.ObjectName;

/**
 * The event loops of this process, for JMX. Tools that inspect a process make one by its class name, and remove it
 * afterwards. Thread-safe; holds no state.
 *
 * <p>If the library is loaded by a separate class loader, as in an executable jar of Spring Boot,
 * {@code -Dasyncio.jmx=true} registers one at the start.
 *
 * @since 0.1
 */
public final class Loops implements LoopsMXBean {
    /** The name to register it under. */
    public static final String NAME = "asyncio:type=Loops";

    private static final Object REGISTRATION = new Object();

    /** Called by an MBean server. */
    public Loops() {}

    /**
     * Registers an instance with the platform's MBean server, unless one is already registered.
     *
     * @throws IllegalStateException if the server refuses
     */
    public static void register() {
        MBeanServer server = ManagementFactory.getPlatformMBeanServer();
        synchronized (REGISTRATION) {
            try {
                ObjectName name = new ObjectName(NAME);
                if (!server.isRegistered(name)) {
                    server.registerMBean(new Loops(), name);
                }
            } catch (JMException e) {
                throw new IllegalStateException("Cannot register " + NAME + " with the platform's MBean server", e);
            }
        }
    }

    @Override
    public List<LoopInfo> getLoops() {
        return loops().map(LoopInfo::new).toList();
    }

    @Override
    public List<TaskInfo> tasks(int stackLines) {
        if (stackLines < 0) {
            throw new IllegalArgumentException("stackLines must not be negative, but is " + stackLines);
        }
        return loops().flatMap(
                        loop -> loop.allTasks().stream().map(task -> new TaskInfo(loop.getName(), task, stackLines)))
                .toList();
    }

    @Override
    public String dump() {
        return loops().map(EventLoop::dumpTasks).collect(Collectors.joining("\n"));
    }

    private static Stream<EventLoop> loops() {
        return EventLoop.all().stream()
                .sorted(Comparator.comparing((EventLoop loop) -> loop.getName().length())
                        .thenComparing(EventLoop::getName));
    }
}
