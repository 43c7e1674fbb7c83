package asyncio.examples;

import static asyncio.Asyncio.async;
import static asyncio.Asyncio.await;
import static asyncio.Asyncio.waitFor;
import static java.nio.charset.StandardCharsets.UTF_8;

import asyncio.Asyncio;
import asyncio.EventLoop;
import asyncio.Future;
import asyncio.streams.DatagramOptions;
import asyncio.streams.DatagramProtocol;
import asyncio.streams.DatagramTransport;
import asyncio.streams.Opened;
import asyncio.streams.Transports;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.time.Duration;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Mono;

/**
 * A UDP echo server and its client by protocol, after the examples of asyncio's page on transports and protocols.
 *
 * <pre>{@literal
 * java asyncio.examples.UdpEchoProtocols serve 9999
 * java asyncio.examples.UdpEchoProtocols send 9999 "Hello World!"
 * }</pre>
 */
public final class UdpEchoProtocols {
    private static final String HOST = "127.0.0.1";
    private static final Duration PATIENCE = Duration.ofSeconds(5);

    private UdpEchoProtocols() {}

    /** Sends each datagram back. */
    static final class EchoServerProtocol implements DatagramProtocol {
        private @Nullable DatagramTransport transport;

        @Override
        public void connectionMade(DatagramTransport transport) {
            this.transport = transport;
        }

        @Override
        public void datagramReceived(byte[] data, InetSocketAddress from) {
            if (transport != null) {
                transport.sendTo(data, from);
            }
        }
    }

    /** Sends a message, and takes the answer. */
    static final class EchoClientProtocol implements DatagramProtocol {
        private final String message;
        private final Future<String> answered = EventLoop.getRunningLoop().createFuture();

        EchoClientProtocol(String message) {
            this.message = message;
        }

        @Override
        public void connectionMade(DatagramTransport transport) {
            transport.sendTo(message.getBytes(UTF_8));
        }

        @Override
        public void datagramReceived(byte[] data, InetSocketAddress from) {
            answered.trySetResult(new String(data, UTF_8));
        }

        @Override
        public void errorReceived(IOException error) {
            answered.trySetException(error); // nobody listens there, say
        }
    }

    /** Port 0 lets the system choose one. */
    static Mono<Opened<DatagramTransport, EchoServerProtocol>> start(int port) {
        return Transports.createDatagramEndpoint(
                EchoServerProtocol::new,
                DatagramOptions.builder().localAddress(HOST, port).build());
    }

    /** A cold Mono of what comes back, within some seconds: datagrams may be lost. */
    static Mono<String> echo(int port, String message) {
        return async(() -> {
            try (var opened = await(Transports.createDatagramEndpoint(
                    () -> new EchoClientProtocol(message),
                    DatagramOptions.builder().remoteAddress(HOST, port).build()))) {
                return await(waitFor(opened.protocol().answered, PATIENCE));
            }
        });
    }

    /** Serves until it is interrupted, or sends a message. */
    public static void main(String[] arguments) throws Exception {
        int port = Integer.parseInt(arguments[1]);
        Asyncio.run(() -> {
            if (arguments[0].equals("send")) {
                System.out.println("Received: " + await(echo(port, arguments[2])));
                return;
            }
            try (var server = await(start(port))) {
                System.out.println(
                        "Echoing what is sent to " + server.transport().getExtraInfo("sockname"));
                await(Mono.never());
            }
        });
    }
}
