package asyncio.streams;

import static asyncio.Asyncio.await;
import static asyncio.Asyncio.sleep;
import static asyncio.Asyncio.toThread;
import static asyncio.Asyncio.waitFor;
import static java.nio.charset.StandardCharsets.UTF_8;

import asyncio.Asyncio;
import asyncio.EventLoop;
import asyncio.ExceptionContext;
import asyncio.Future;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Mono;

/** A transport with a plain blocking socket as its peer, and a protocol that records its events. */
abstract class ProtocolFixture {
    static final String HOST = "127.0.0.1";
    private static final Duration LIMIT = Duration.ofSeconds(20);

    /** The reports to the exception handler, in order. */
    final List<ExceptionContext> reported = new ArrayList<>();

    static void tick() throws Exception {
        await(sleep(Duration.ZERO));
    }

    /** Records events: {@code made}, {@code data}, {@code eof}, {@code pause}, {@code resume}, {@code lost}. */
    static class Notes {
        final List<String> events = new ArrayList<>();
        final StringBuilder data = new StringBuilder();
        Transport transport;

        @Nullable Throwable cause;

        private @Nullable Future<Void> heard;

        /** Records an event; adjacent pieces of data are one event. */
        void note(String event) {
            if (!event.equals("data") || events.isEmpty() || !last().equals("data")) {
                events.add(event);
            }
            Future<Void> heard = this.heard;
            if (heard != null) {
                this.heard = null;
                heard.trySetResult(null);
            }
        }

        private String last() {
            return events.get(events.size() - 1);
        }

        void until(BooleanSupplier condition) throws Exception {
            while (!condition.getAsBoolean()) {
                Future<Void> heard = new Future<>();
                this.heard = heard;
                await(waitFor(heard, LIMIT));
            }
        }

        void until(String event) throws Exception {
            until(() -> events.contains(event));
        }

        /** Waits until that many bytes have arrived. */
        void untilData(int length) throws Exception {
            until(() -> data.length() >= length);
        }
    }

    /** A protocol that takes notes. */
    static class Recorder implements Protocol {
        final Notes notes = new Notes();
        boolean keepOpen;

        @Override
        public void connectionMade(Transport transport) {
            notes.transport = transport;
            notes.note("made");
        }

        @Override
        public void dataReceived(byte[] data) {
            notes.data.append(new String(data, UTF_8));
            notes.note("data");
        }

        @Override
        public boolean eofReceived() {
            notes.note("eof");
            return keepOpen;
        }

        @Override
        public void pauseWriting() {
            notes.note("pause");
        }

        @Override
        public void resumeWriting() {
            notes.note("resume");
        }

        @Override
        public void connectionLost(@Nullable Throwable cause) {
            notes.cause = cause;
            notes.note("lost");
        }
    }

    /** A protocol that takes notes, with buffers of a size. */
    static class BufferedRecorder implements BufferedProtocol {
        final Notes notes = new Notes();
        final ByteBuffer buffer;
        final List<Integer> hints = new ArrayList<>();

        BufferedRecorder(int size) {
            buffer = ByteBuffer.allocate(size);
        }

        @Override
        public void connectionMade(Transport transport) {
            notes.transport = transport;
            notes.note("made");
        }

        @Override
        public ByteBuffer getBuffer(int sizeHint) {
            hints.add(sizeHint);
            return buffer.clear();
        }

        @Override
        public void bufferUpdated(int n) {
            notes.data.append(new String(buffer.array(), 0, n, UTF_8));
            notes.note("data");
        }

        @Override
        public boolean eofReceived() {
            notes.note("eof");
            return false;
        }

        @Override
        public void connectionLost(@Nullable Throwable cause) {
            notes.cause = cause;
            notes.note("lost");
        }
    }

    /** A peer that the test controls byte by byte. */
    interface Peer {
        void run(Transport transport, Socket peer) throws Exception;
    }

    void withPeer(BaseProtocol<Transport> protocol, Peer test) throws Exception {
        withPeer(protocol, 0, test);
    }

    /** @param receiveBuffer the peer's receive buffer, in bytes; 0 for the system's default */
    void withPeer(BaseProtocol<Transport> protocol, int receiveBuffer, Peer test) throws Exception {
        Asyncio.run(() -> {
            EventLoop.getRunningLoop().setExceptionHandler((loop, what) -> reported.add(what));
            try (ServerSocket listener = listener(receiveBuffer)) {
                try (var opened = await(Transports.createConnection(() -> protocol, HOST, listener.getLocalPort()));
                        Socket peer = listener.accept()) {
                    test.run(opened.transport(), peer);
                    opened.transport().abort();
                }
            }
        });
    }

    private static ServerSocket listener(int receiveBuffer) throws Exception {
        ServerSocket listener = new ServerSocket();
        if (receiveBuffer > 0) {
            listener.setReceiveBufferSize(receiveBuffer);
        }
        listener.bind(new java.net.InetSocketAddress(InetAddress.getByName(HOST), 0));
        return listener;
    }

    static void send(Socket peer, String text) throws Exception {
        peer.getOutputStream().write(text.getBytes(UTF_8));
    }

    static void reset(Socket peer) throws Exception {
        peer.setSoLinger(true, 0);
        peer.close();
    }

    static Mono<byte[]> readAll(Socket peer) {
        return toThread(() -> peer.getInputStream().readAllBytes());
    }

    static String read(Socket peer, int n) throws Exception {
        return new String(await(toThread(() -> peer.getInputStream().readNBytes(n))), UTF_8);
    }

    List<String> messages() {
        return reported.stream().map(ExceptionContext::message).toList();
    }
}
