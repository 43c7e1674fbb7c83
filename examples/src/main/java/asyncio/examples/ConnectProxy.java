package asyncio.examples;

import static asyncio.Asyncio.async;
import static asyncio.Asyncio.await;
import static java.nio.charset.StandardCharsets.ISO_8859_1;

import asyncio.Asyncio;
import asyncio.streams.BufferedProtocol;
import asyncio.streams.Server;
import asyncio.streams.Transport;
import asyncio.streams.Transports;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.Locale;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Mono;

/**
 * A proxy for HTTP's CONNECT, with two {@link BufferedProtocol}s for each tunnel. Its memory is bounded: the sender is
 * not read while the receiver still has data to take, and each side lends one buffer.
 *
 * <pre>{@literal
 * java asyncio.examples.ConnectProxy 3128
 * curl --proxytunnel --proxy localhost:3128 https://example.org
 * }</pre>
 */
public final class ConnectProxy {
    private static final int BUFFER = 16 * 1024;

    private ConnectProxy() {}

    /** One side of a tunnel: passes its data to the other side, which paces it. */
    private abstract static class Side implements BufferedProtocol {
        final ByteBuffer buffer = ByteBuffer.allocate(BUFFER);

        @Nullable Transport transport;

        @Nullable Side other;

        boolean ended;

        @Override
        public void connectionMade(Transport transport) {
            this.transport = transport;
        }

        @Override
        public ByteBuffer getBuffer(int sizeHint) {
            return buffer;
        }

        @Override
        public void bufferUpdated(int n) {
            pass();
        }

        /** Empties the buffer. */
        final void pass() {
            if (other != null && other.transport != null && buffer.position() > 0) {
                other.transport.write(Arrays.copyOf(buffer.array(), buffer.position()));
            }
            buffer.clear();
        }

        @Override
        public void pauseWriting() {
            if (other != null && other.transport != null) {
                other.transport.pauseReading();
            }
        }

        @Override
        public void resumeWriting() {
            if (other != null && other.transport != null) {
                other.transport.resumeReading();
            }
        }

        @Override
        public boolean eofReceived() {
            if (other == null || other.transport == null) {
                return false;
            }
            ended = true;
            other.transport.writeEof();
            return !other.ended; // until both directions have ended
        }

        @Override
        public void connectionLost(@Nullable Throwable cause) {
            if (other != null && other.transport != null) {
                if (cause == null) {
                    other.transport.close();
                } else {
                    other.transport.abort();
                }
            }
        }
    }

    /** The side to which the proxy connects. */
    private static final class Upstream extends Side {
        Upstream(Client client) {
            other = client;
        }

        void close() {
            if (transport != null) {
                transport.abort();
            }
        }
    }

    /** The side that connected, and begins with a request: {@code CONNECT example.org:443 HTTP/1.1}. */
    static final class Client extends Side {
        private boolean asked;

        @Override
        public void bufferUpdated(int n) {
            if (asked) {
                pass();
                return;
            }
            String request = new String(buffer.array(), 0, buffer.position(), ISO_8859_1);
            int end = request.indexOf("\r\n\r\n");
            if (end >= 0) {
                asked = true;
                int rest = buffer.position() - (end + 4); // an impatient client has already sent this
                buffer.flip().position(end + 4);
                buffer.compact().position(rest);
                transport().pauseReading(); // until there is a side to pass it to
                open(request.substring(0, request.indexOf("\r\n")));
            } else if (!buffer.hasRemaining()) {
                refuse("431 Request Header Fields Too Large");
            }
        }

        private Transport transport() {
            if (transport == null) {
                throw new IllegalStateException("not connected");
            }
            return transport;
        }

        private void open(String line) {
            InetSocketAddress target = target(line);
            if (target == null) {
                refuse("400 Bad Request");
                return;
            }
            Asyncio.createTask(async(() -> {
                try {
                    Upstream upstream = await(Transports.createConnection(
                                    () -> new Upstream(this), target.getHostString(), target.getPort()))
                            .protocol();
                    if (transport().isClosing()) { // the client is gone by now
                        upstream.close();
                        return;
                    }
                    other = upstream;
                    transport().write("HTTP/1.1 200 Connection established\r\n\r\n".getBytes(ISO_8859_1));
                    pass();
                    transport().resumeReading();
                } catch (IOException e) {
                    refuse("502 Bad Gateway");
                }
            }));
        }

        private static @Nullable InetSocketAddress target(String line) {
            String[] words = line.split(" ");
            int colon = words.length == 3 ? words[1].lastIndexOf(':') : -1;
            if (colon <= 0 || !words[0].toUpperCase(Locale.ROOT).equals("CONNECT")) {
                return null;
            }
            try {
                int port = Integer.parseInt(words[1].substring(colon + 1));
                String host = words[1].substring(0, colon);
                return port < 1 || port > 65_535
                        ? null
                        : InetSocketAddress.createUnresolved(host.replaceAll("[\\[\\]]", ""), port);
            } catch (NumberFormatException e) {
                return null;
            }
        }

        private void refuse(String status) {
            transport().write(("HTTP/1.1 " + status + "\r\nContent-Length: 0\r\n\r\n").getBytes(ISO_8859_1));
            transport().close();
        }
    }

    /** Port 0 lets the system choose one. */
    static Mono<Server> start(int port) {
        return Transports.createServer(Client::new, "127.0.0.1", port);
    }

    public static void main(String[] args) throws Exception {
        Asyncio.run(() -> await(await(start(Integer.parseInt(args[0]))).serveForever()));
    }
}
