package asyncio.streams;

import static org.assertj.core.api.Assertions.assertThat;

import asyncio.EventLoop;
import com.sun.management.ThreadMXBean;
import java.lang.management.ManagementFactory;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.time.Duration;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** The most bytes that the loop's thread allocates: a guard against growth. */
@Timeout(60)
class AllocationTest {
    private static final int ROUNDS = 20;
    private static final int MANY = 48;

    private static long allocated() {
        Assumptions.assumeTrue(
                ManagementFactory.getThreadMXBean() instanceof ThreadMXBean threads
                        && threads.isThreadAllocatedMemorySupported(),
                "this JVM does not count what a thread allocates");
        return ((ThreadMXBean) ManagementFactory.getThreadMXBean()).getCurrentThreadAllocatedBytes();
    }

    /** Returns the bytes for each connection of the cheapest of some shutdowns. */
    private static double ofAShutdown(int connections) throws Exception {
        double least = Double.MAX_VALUE;
        EventLoop loop = EventLoop.newEventLoop();
        try (ServerSocket peer = new ServerSocket(0, 2 * MANY, InetAddress.getLoopbackAddress())) {
            String host = peer.getInetAddress().getHostAddress();
            for (int round = 0; round < ROUNDS; round++) {
                Clients clients = new Clients();
                for (int i = 0; i < connections; i++) {
                    loop.runUntilComplete(clients.open(Streams.openConnection(host, peer.getLocalPort())));
                }
                long before = allocated();
                assertThat(loop.runUntilComplete(clients.shutdown(Duration.ofSeconds(30))))
                        .isEmpty();
                least = Math.min(least, (allocated() - before) / (double) connections);
                for (int i = 0; i < connections; i++) {
                    peer.accept().close();
                }
            }
        } finally {
            loop.close();
        }
        return least;
    }

    @Test
    void aConnectionOfManyClientsThatAreShutDown() throws Exception {
        assertThat(ofAShutdown(MANY)).isBetween(100.0, 2_000.0);
    }

    @Test
    void theOnlyConnectionOfClientsThatAreShutDown() throws Exception {
        assertThat(ofAShutdown(1)).isBetween(100.0, 15_000.0);
    }
}
