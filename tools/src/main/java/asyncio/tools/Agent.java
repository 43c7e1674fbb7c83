package asyncio.tools;

import java.lang.instrument.Instrumentation;
import java.lang.management.ManagementFactory;
import javax.management.MBeanServer;
import javax.management.ObjectName;

/**
 * Agent for a process that loads this library with a custom class loader: registers the loops of each copy of the
 * library in it. It is alone in its jar, so that the process loads no other class of this program.
 */
public final class Agent {
    private Agent() {}

    /** Called by the JVM of the process. */
    public static void agentmain(String argument, Instrumentation instrumentation) throws Exception {
        MBeanServer server = ManagementFactory.getPlatformMBeanServer();
        int number = 0;
        for (Class<?> loaded : instrumentation.getAllLoadedClasses()) {
            if (loaded.getName().equals("asyncio.EventLoop")) {
                ObjectName name = new ObjectName("asyncio:type=Loops" + (++number == 1 ? "" : ",copy=" + number));
                if (!server.isRegistered(name)) {
                    server.registerMBean(
                            Class.forName("asyncio.management.Loops", true, loaded.getClassLoader())
                                    .getConstructor()
                                    .newInstance(),
                            name);
                }
            }
        }
    }
}
