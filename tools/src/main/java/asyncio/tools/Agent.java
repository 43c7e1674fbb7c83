package asyncio.tools;

import java.lang.instrument.Instrumentation;
import java.lang.management.ManagementFactory;
import javax.management.MBeanServer;
import javax.management.ObjectName;

/**
 * Loaded into a process whose classes only a loader of its own finds: registers the loops of each copy of the library
 * that it has. Alone in its jar, so that the process gets no other class of this program's.
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
