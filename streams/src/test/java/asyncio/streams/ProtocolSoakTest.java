package asyncio.streams;

import static asyncio.Asyncio.async;
import static asyncio.Asyncio.await;
import static asyncio.Asyncio.createTask;
import static asyncio.Asyncio.sleep;
import static asyncio.Asyncio.toThread;
import static asyncio.Asyncio.waitFor;
import static org.assertj.core.api.Assertions.assertThat;

import asyncio.Asyncio;
import asyncio.EventLoop;
import asyncio.Future;
import asyncio.Task;
import io.netty.channel.socket.DuplexChannel;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.lang.ref.WeakReference;
import java.net.Socket;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;

/**
 * Connections by protocol that are made and dropped in each way: both sides are told once, and neither a descriptor nor
 * an object stays.
 *
 * <p>{@code -Dasyncio.soak.protocols=10000} sets their number for each way.
 */
@ExtendWith(LeakCheck.class)
@Timeout(3600) // for large numbers
class ProtocolSoakTest {
    private static final int CONNECTIONS = Integer.getInteger("asyncio.soak.protocols", 150);
    private static final int AT_A_TIME = 20;
    private static final Duration LIMIT = Duration.ofSeconds(60);
    private static final String HOST = "127.0.0.1";
    private static final byte[] REQUEST = new byte[1000];
    /** An allowance for classes and tables that are loaded and grown once, and for the collector and the compiler. */
    private static final long HEAP_MARGIN = 4 << 20;

    /** The ways to drop a connection. */
    private enum Way {
        CLOSE,
        /** The transport's own, a reset. */
        ABORT,
        /** A reset by a peer that is no transport. */
        RESET,
        HALF_CLOSE,
        /** The end of TCP, or a reset, without TLS's goodbye. */
        TLS_CUT_OFF
    }

    /** Every transport and protocol so far. */
    private final List<WeakReference<Object>> all = new ArrayList<>();

    private int served;
    private int servedAndLost;

    private class Side implements Protocol {
        final Future<Void> echoed = EventLoop.getRunningLoop().createFuture();
        final Future<Void> lost = EventLoop.getRunningLoop().createFuture();
        Transport transport;
        private int received;

        @Override
        public void connectionMade(Transport transport) {
            this.transport = transport;
            all.add(new WeakReference<>(transport));
            all.add(new WeakReference<>(this));
        }

        @Override
        public void dataReceived(byte[] data) {
            received += data.length;
            if (received == REQUEST.length) {
                echoed.setResult(null);
            }
        }

        @Override
        public void connectionLost(@Nullable Throwable cause) {
            lost.setResult(null); // which fails for a second call
        }
    }

    private final class ServerSide extends Side {
        @Override
        public void connectionMade(Transport transport) {
            super.connectionMade(transport);
            served++;
        }

        @Override
        public void dataReceived(byte[] data) {
            transport.write(data);
        }

        /** Half-closed connections are answered before they end. */
        @Override
        public boolean eofReceived() {
            transport.write(new byte[REQUEST.length]);
            return false;
        }

        @Override
        public void connectionLost(@Nullable Throwable cause) {
            super.connectionLost(cause);
            servedAndLost++;
        }
    }

    @Test
    void nothingOfDroppedConnectionsStays() throws Exception {
        Asyncio.run(() -> {
            EventLoop.getRunningLoop().setExceptionHandler((loop, what) -> {
                throw new AssertionError(what.message(), what.exception());
            });
            soak(AT_A_TIME); // loads everything that is loaded only once
            long descriptors = SoakTest.descriptors();
            long heap = heap();
            soak(CONNECTIONS);
            assertThat(served).isPositive().isEqualTo(servedAndLost);
            long patience = System.nanoTime() + LIMIT.toNanos();
            long now;
            while ((now = SoakTest.descriptors()) > descriptors && System.nanoTime() < patience) {
                await(sleep(Duration.ofMillis(1))); // NIO releases a socket in the selects after its close
            }
            assertThat(now).isLessThanOrEqualTo(descriptors); // a log may have opened one since
            while (remaining() > 0 && System.nanoTime() < patience) {
                await(sleep(Duration.ofMillis(1)));
                LeakCheck.collectGarbage();
            }
            assertThat(remaining()).isZero();
            all.clear();
            assertThat(heap() - heap).isLessThan(HEAP_MARGIN);
            assertThat(Asyncio.allTasks()).hasSize(1); // this one
        });
    }

    private long remaining() {
        return all.stream().filter(reference -> reference.get() != null).count();
    }

    private static long heap() throws InterruptedException {
        LeakCheck.collectGarbage();
        return ManagementFactory.getMemoryMXBean().getHeapMemoryUsage().getUsed();
    }

    private void soak(int connections) throws Exception {
        Server plain = await(Transports.createServer(ServerSide::new, HOST, 0));
        Server tls = await(Transports.createServer(ServerSide::new, HOST, 0, TestCertificates.server()));
        for (Way way : Way.values()) {
            int port = (way == Way.TLS_CUT_OFF ? tls : plain).port();
            List<Task<Void>> clients = new ArrayList<>();
            for (int i = 0; i < connections; i++) {
                boolean odd = i % 2 == 1;
                clients.add(createTask(async(() -> drop(way, port, odd))));
                if (clients.size() == AT_A_TIME) {
                    await(clients.remove(0));
                }
            }
            for (Task<Void> client : clients) {
                await(client);
            }
        }
        for (Server server : List.of(plain, tls)) {
            server.close();
            await(waitFor(server.waitClosed(), LIMIT));
        }
    }

    private void drop(Way way, int port, boolean odd) throws Exception {
        if (way == Way.RESET) {
            await(toThread(() -> resets(port, odd)));
            return;
        }
        ConnectOptions options = way == Way.TLS_CUT_OFF ? TestCertificates.client() : ConnectOptions.DEFAULT;
        Side client = await(Transports.createConnection(Side::new, HOST, port, options))
                .protocol();
        Transport transport = client.transport;
        transport.write(REQUEST);
        if (odd) {
            await(waitFor(client.echoed, LIMIT));
        }
        switch (way) {
            case CLOSE -> transport.close();
            case HALF_CLOSE -> transport.writeEof();
            case TLS_CUT_OFF -> {
                if (odd) {
                    ((DuplexChannel) Objects.requireNonNull(transport.getExtraInfo("socket"))).shutdownOutput();
                } else {
                    transport.abort();
                }
            }
            default -> transport.abort();
        }
        await(waitFor(client.lost, LIMIT));
    }

    /** Blocks; with an answer read, or on its way. */
    private static Void resets(int port, boolean odd) throws IOException {
        try (Socket socket = new Socket(HOST, port)) {
            socket.getOutputStream().write(REQUEST);
            if (odd) {
                socket.getInputStream().readNBytes(REQUEST.length);
            }
            socket.setSoLinger(true, 0);
        }
        return null;
    }
}
