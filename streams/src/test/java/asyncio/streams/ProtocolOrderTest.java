package asyncio.streams;

import static asyncio.Asyncio.await;
import static asyncio.Asyncio.toThread;
import static org.assertj.core.api.Assertions.assertThat;

import asyncio.Asyncio;
import asyncio.EventLoop;
import asyncio.Future;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;

/**
 * Random actions of a peer and of a protocol, in its calls and between them, never break the order that
 * {@link BaseProtocol} promises, and no byte is lost, doubled or out of place.
 *
 * <p>{@code -Dasyncio.test.schedules=100000} sets the number of schedules, {@code -Dasyncio.test.seed=N} the first one.
 */
@Timeout(3600) // for large numbers of schedules
@ExtendWith(LeakCheck.class)
class ProtocolOrderTest {
    private static final int SCHEDULES = Integer.getInteger("asyncio.test.schedules", 400);
    private static final String HOST = "127.0.0.1";
    private static final Duration LIMIT = Duration.ofSeconds(20);

    /** The events so far, and those that may follow. */
    private static final class Order {
        final Random random;
        final List<String> history = new ArrayList<>();
        final List<String> broken = new ArrayList<>();
        final Future<Void> over = EventLoop.getRunningLoop().createFuture();
        Transport transport;
        /** The next byte that must come: the peer counts up. */
        byte expected;

        long received;
        boolean made;
        boolean eof;
        boolean lost;
        boolean paused;
        boolean readingPaused;
        boolean closed;
        boolean inCall;

        Order(Random random) {
            this.random = random;
        }

        void event(String event, boolean allowed) {
            history.add(event);
            if (!allowed || !made && !event.equals("made") || lost || inCall && !event.equals("pause")) {
                broken.add(event + " at " + history.size());
            }
        }

        void data(ByteBuffer bytes) {
            event("data", bytes.hasRemaining() && !eof && !readingPaused && !closed);
            received += bytes.remaining();
            while (bytes.hasRemaining()) {
                if (bytes.get() != expected++) {
                    broken.add("bytes at " + history.size());
                    return;
                }
            }
            act();
        }

        boolean eof() {
            event("eof", !eof && !readingPaused && !closed);
            eof = true;
            act();
            boolean keepOpen = random.nextBoolean();
            closed |= !keepOpen;
            return keepOpen;
        }

        /** Acts at random, in calls of the protocol and between them. */
        void act() {
            inCall = true;
            if (random.nextInt(4) == 0) {
                ownAction();
            }
            inCall = false;
        }

        void ownAction() {
            switch (random.nextInt(12)) {
                case 0, 1, 2 -> write(random.nextInt(2000));
                case 3 -> write(random.nextInt(3_000_000));
                case 4, 5 -> {
                    history.add("> pauseReading");
                    transport.pauseReading();
                    readingPaused |= !closed;
                }
                case 6, 7, 8 -> {
                    history.add("> resumeReading");
                    transport.resumeReading();
                    readingPaused &= closed;
                }
                case 9 -> {
                    history.add("> limits");
                    transport.setWriteBufferLimits(random.nextInt(100_000));
                }
                case 10 -> {
                    history.add("> writeEof");
                    transport.writeEof();
                }
                default -> {
                    if (random.nextInt(3) == 0) {
                        history.add("> close");
                        closed = true;
                        if (random.nextBoolean()) {
                            transport.close();
                        } else {
                            transport.abort();
                        }
                    }
                }
            }
        }

        private void write(int n) {
            history.add("> write " + n);
            try {
                transport.write(new byte[n]);
            } catch (IllegalStateException e) {
                if (!history.contains("> writeEof")) {
                    broken.add("write: " + e);
                }
            }
        }

        void made(Transport transport) {
            event("made", !made);
            made = true;
            this.transport = transport;
            act();
        }

        void pause() {
            event("pause", !paused);
            paused = true;
        }

        void resume() {
            event("resume", paused);
            paused = false;
            act();
        }

        void lost(@Nullable Throwable cause) {
            event("lost", true);
            history.add("of " + cause);
            lost = true;
            over.trySetResult(null);
        }
    }

    private record Plain(Order order) implements Protocol {
        @Override
        public void connectionMade(Transport transport) {
            order.made(transport);
        }

        @Override
        public void dataReceived(byte[] data) {
            order.data(ByteBuffer.wrap(data));
        }

        @Override
        public boolean eofReceived() {
            return order.eof();
        }

        @Override
        public void pauseWriting() {
            order.pause();
        }

        @Override
        public void resumeWriting() {
            order.resume();
        }

        @Override
        public void connectionLost(@Nullable Throwable cause) {
            order.lost(cause);
        }
    }

    private record Buffered(Order order, ByteBuffer buffer) implements BufferedProtocol {
        @Override
        public void connectionMade(Transport transport) {
            order.made(transport);
        }

        @Override
        public ByteBuffer getBuffer(int sizeHint) {
            return buffer.clear();
        }

        @Override
        public void bufferUpdated(int n) {
            order.data(buffer.flip());
        }

        @Override
        public boolean eofReceived() {
            return order.eof();
        }

        @Override
        public void pauseWriting() {
            order.pause();
        }

        @Override
        public void resumeWriting() {
            order.resume();
        }

        @Override
        public void connectionLost(@Nullable Throwable cause) {
            order.lost(cause);
        }
    }

    /** The other side, which sends bytes that count up. */
    private static final class Peer {
        private final Socket socket;
        private final Random random;
        private byte next;
        private long sent;
        private boolean ended;
        private boolean reset;

        Peer(Socket socket, Random random) {
            this.socket = socket;
            this.random = random;
        }

        private void action(Order order) throws Exception {
            if (socket.isClosed()) {
                return;
            }
            switch (random.nextInt(10)) {
                case 0, 1, 2, 3 -> send(order, random.nextInt(3000));
                case 4 -> send(order, random.nextInt(60_000));
                case 5, 6, 7 -> {
                    int available = socket.getInputStream().available();
                    order.history.add("< reads " + available);
                    socket.getInputStream().readNBytes(available);
                }
                case 8 -> {
                    if (!ended && random.nextInt(2) == 0) {
                        order.history.add("< shutdown");
                        socket.shutdownOutput();
                        ended = true;
                    }
                }
                default -> {
                    if (random.nextInt(4) == 0) {
                        order.history.add("< reset");
                        socket.setSoLinger(true, 0);
                        socket.close();
                        reset = true;
                    }
                }
            }
        }

        /** Sends few enough bytes to fit into the sockets' buffers, since the protocol may have paused. */
        private void send(Order order, int n) throws Exception {
            if (ended || sent + n > 150_000) {
                return;
            }
            byte[] bytes = new byte[n];
            for (int i = 0; i < n; i++) {
                bytes[i] = next++;
            }
            sent += n;
            order.history.add("< sends " + n);
            socket.getOutputStream().write(bytes);
        }
    }

    @Test
    void theOrderIsKept() throws Exception {
        long first = Long.getLong("asyncio.test.seed", new Random().nextLong());
        Asyncio.run(() -> {
            EventLoop.getRunningLoop().setExceptionHandler((loop, what) -> {
                throw new AssertionError(what.message(), what.exception());
            });
            try (ServerSocket listener = new ServerSocket(0, 1, InetAddress.getByName(HOST))) {
                for (int i = 0; i < SCHEDULES; i++) {
                    schedule(listener, first + i);
                }
            }
        });
    }

    private static void schedule(ServerSocket listener, long seed) throws Exception {
        Random random = new Random(seed);
        Order order = new Order(random);
        BaseProtocol<Transport> protocol = random.nextBoolean()
                ? new Plain(order)
                : new Buffered(order, ByteBuffer.allocate(1 + random.nextInt(5000)));
        try {
            var opened = await(Transports.createConnection(() -> protocol, HOST, listener.getLocalPort()));
            try (Socket socket = listener.accept()) {
                Peer peer = new Peer(socket, random);
                int actions = 3 + random.nextInt(25);
                for (int i = 0; i < actions; i++) {
                    if (random.nextBoolean()) {
                        order.ownAction();
                    } else {
                        try {
                            peer.action(order);
                        } catch (IOException e) {
                            order.history.add("< has " + e);
                            peer.reset = true;
                        }
                    }
                    for (int ticks = random.nextInt(4); ticks > 0; ticks--) {
                        ProtocolFixture.tick();
                    }
                }
                end(order, peer, opened.transport());
            }
            assertThat(order.broken).isEmpty();
        } catch (Throwable e) {
            throw new AssertionError("with -Dasyncio.test.seed=" + seed + ": " + order.history, e);
        }
    }

    /**
     * Lets the peer read everything and end; all bytes must have arrived then, unless one side has closed or aborted.
     */
    private static void end(Order order, Peer peer, Transport transport) throws Exception {
        boolean whole = !order.closed && !peer.reset && !peer.socket.isClosed();
        order.history.add("end");
        order.readingPaused &= order.closed;
        transport.resumeReading();
        if (!peer.socket.isClosed()) {
            await(toThread(() -> {
                try {
                    if (!peer.ended) {
                        peer.socket.shutdownOutput();
                    }
                    peer.socket.setSoTimeout(2000);
                    byte[] bytes = new byte[1 << 16];
                    while (peer.socket.getInputStream().available() > 0) {
                        peer.socket.getInputStream().read(bytes);
                    }
                } catch (IOException e) {
                    // it was closed or aborted
                }
                return null;
            }));
        }
        long patience = System.nanoTime() + LIMIT.toNanos();
        while (whole && !order.closed && !order.eof && !order.lost && System.nanoTime() < patience) {
            if (order.readingPaused) { // by a call
                order.readingPaused = false;
                transport.resumeReading();
            }
            ProtocolFixture.tick();
        }
        if (whole && !order.closed && order.received != peer.sent) {
            order.broken.add(order.received + " bytes came of " + peer.sent);
        }
        order.closed = true;
        transport.abort();
        await(Asyncio.waitFor(order.over, LIMIT));
        ProtocolFixture.tick();
    }
}
