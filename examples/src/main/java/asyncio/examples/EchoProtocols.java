package asyncio.examples;

import static asyncio.Asyncio.await;
import static java.nio.charset.StandardCharsets.UTF_8;

import asyncio.Asyncio;
import asyncio.EventLoop;
import asyncio.Future;
import asyncio.streams.Protocol;
import asyncio.streams.Server;
import asyncio.streams.Transport;
import asyncio.streams.Transports;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Mono;

/**
 * A TCP echo server and its client by protocol, after the examples of asyncio's page on transports and protocols.
 *
 * <pre>{@literal
 * java asyncio.examples.EchoProtocols serve 8888
 * java asyncio.examples.EchoProtocols send 8888 "Hello World!"
 * }</pre>
 */
public final class EchoProtocols {
    private static final String HOST = "127.0.0.1";

    private EchoProtocols() {}

    /** Echoes the first data it receives, and closes. */
    static final class EchoServerProtocol implements Protocol {
        private @Nullable Transport transport;

        @Override
        public void connectionMade(Transport transport) {
            this.transport = transport;
        }

        @Override
        public void dataReceived(byte[] data) {
            if (transport != null) {
                transport.write(data);
                transport.close();
            }
        }
    }

    /** Sends a message, and reports the answer when the server has closed. */
    static final class EchoClientProtocol implements Protocol {
        private final String message;
        private final StringBuilder answer = new StringBuilder();
        /** The answer, or the error that broke the connection. */
        private final Future<String> answered = EventLoop.getRunningLoop().createFuture();

        EchoClientProtocol(String message) {
            this.message = message;
        }

        @Override
        public void connectionMade(Transport transport) {
            transport.write(message.getBytes(UTF_8));
        }

        @Override
        public void dataReceived(byte[] data) {
            answer.append(new String(data, UTF_8));
        }

        @Override
        public void connectionLost(@Nullable Throwable cause) {
            if (cause == null) {
                answered.trySetResult(answer.toString());
            } else {
                answered.trySetException(cause);
            }
        }
    }

    /** Port 0 lets the system choose one. */
    static Mono<Server> start(int port) {
        return Transports.createServer(EchoServerProtocol::new, HOST, port);
    }

    /** Sends a message and returns the answer. */
    static Mono<String> echo(int port, String message) {
        return Asyncio.async(() -> {
            try (var opened = await(Transports.createConnection(() -> new EchoClientProtocol(message), HOST, port))) {
                return await(opened.protocol().answered);
            }
        });
    }

    public static void main(String[] args) throws Exception {
        if (args.length == 2 && args[0].equals("serve")) {
            Asyncio.run(() -> await(await(start(Integer.parseInt(args[1]))).serveForever()));
        } else if (args.length == 3 && args[0].equals("send")) {
            System.out.println(Asyncio.run(echo(Integer.parseInt(args[1]), args[2])));
        } else {
            throw new IllegalArgumentException("usage: serve PORT | send PORT MESSAGE");
        }
    }
}
