package asyncio.examples;

import static asyncio.Asyncio.async;
import static asyncio.Asyncio.await;
import static asyncio.Asyncio.gather;

import asyncio.Asyncio;
import asyncio.EventLoop;
import asyncio.ExceptionContext;
import asyncio.TaskGroup;
import asyncio.streams.Sockets;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import reactor.core.publisher.Mono;

/**
 * Forwards connections to a port to another host, with {@link Sockets}: each direction has one buffer, and reads again
 * when that has been sent.
 *
 * <pre>{@literal
 * java asyncio.examples.PortForward 8080 example.org 80
 * }</pre>
 */
public final class PortForward {
    private static final int BUFFER = 16 * 1024;

    private PortForward() {}

    /** Serves a port of this host, until it is interrupted. */
    public static void main(String[] arguments) throws Exception {
        if (arguments.length != 3) {
            System.err.println("usage: PortForward PORT HOST PORT");
            return;
        }
        InetSocketAddress target =
                InetSocketAddress.createUnresolved(arguments[1], Integer.parseInt(arguments[2])); // resolved each time
        try (ServerSocketChannel server = listen(Integer.parseInt(arguments[0]))) {
            System.out.println("Passing " + server.getLocalAddress() + " on to " + target);
            Asyncio.run(() -> forward(server, target));
        }
    }

    /** Listens on a port of this host. */
    static ServerSocketChannel listen(int port) throws IOException {
        ServerSocketChannel server = ServerSocketChannel.open();
        server.bind(new InetSocketAddress(InetAddress.getLoopbackAddress(), port));
        server.configureBlocking(false);
        return server;
    }

    /** Accepts connections until it is cancelled, which also cancels the accepted ones. */
    static void forward(ServerSocketChannel server, InetSocketAddress target) throws Exception {
        await(TaskGroup.scopeBody(group -> {
            while (true) {
                SocketChannel client = await(Sockets.sockAccept(server));
                group.createTask(connection(client, target));
            }
        }));
    }

    /** One connection; its errors do not affect the others. */
    private static Mono<Void> connection(SocketChannel client, InetSocketAddress target) {
        return async(() -> {
            try (client;
                    SocketChannel far = SocketChannel.open()) {
                far.configureBlocking(false);
                await(Sockets.sockConnect(far, target));
                await(gather(copying(client, far), copying(far, client)));
            } catch (IOException e) {
                EventLoop.getRunningLoop()
                        .callExceptionHandler(ExceptionContext.of("A connection to " + target + " has failed")
                                .exception(e)
                                .build());
            }
        });
    }

    private static Mono<Void> copying(SocketChannel from, SocketChannel to) {
        return async(() -> {
            ByteBuffer buffer = ByteBuffer.allocateDirect(BUFFER);
            while (await(Sockets.sockRecvInto(from, buffer)) > 0) {
                await(Sockets.sockSendAll(to, buffer.flip()));
                buffer.clear();
            }
            to.shutdownOutput(); // the other direction continues
        });
    }
}
