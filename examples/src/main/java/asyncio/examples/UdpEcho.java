package asyncio.examples;

import static asyncio.Asyncio.await;

import asyncio.Asyncio;
import asyncio.streams.Datagram;
import asyncio.streams.DatagramConnection;
import asyncio.streams.DatagramOptions;
import asyncio.streams.Datagrams;
import reactor.core.publisher.Mono;

/** A server that sends each datagram back to its sender: asyncio's UDP echo server. */
public final class UdpEcho {
    private UdpEcho() {}

    /** Serves a port of this host, until it is interrupted. */
    public static void main(String[] arguments) throws Exception {
        int port = arguments.length > 0 ? Integer.parseInt(arguments[0]) : 9999;
        Asyncio.run(() -> {
            DatagramOptions options =
                    DatagramOptions.builder().localAddress("127.0.0.1", port).build();
            try (DatagramConnection socket = await(Datagrams.open(options))) {
                System.out.println("Echoing what is sent to " + socket.localAddress());
                serve(socket);
            }
        });
    }

    /** Echoes until the socket is closed, in straight-line code. */
    static void serve(DatagramConnection socket) throws Exception {
        for (Datagram datagram; (datagram = await(socket.receive())) != null; ) {
            await(socket.send(datagram.data(), datagram.from()));
        }
    }

    /** The same in Reactor's style. */
    static Mono<Void> serving(DatagramConnection socket) {
        return socket.datagrams()
                .concatMap(datagram -> socket.send(datagram.data(), datagram.from()), 1)
                .then();
    }
}
