package asyncio.testkit;

import static asyncio.Asyncio.await;

import asyncio.streams.ConnectionHandler;
import asyncio.streams.StreamConnection;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Mono;

/**
 * The same server and the same tests, without sockets: code that receives its connections cannot tell the difference.
 */
class ChatServerInMemoryTest extends ChatServerTest {
    private @Nullable MemoryNetwork network;
    private @Nullable MemoryServer server;

    @Override
    void listen(ConnectionHandler handler) throws Exception {
        network = new MemoryNetwork(Wire.direct().randomChunks(5, 1));
        server = network.startServerBody(handler, "chat");
    }

    @Override
    Mono<StreamConnection> connect() {
        return network == null ? Mono.empty() : network.connect("chat");
    }

    @Override
    void closeServer() throws Exception {
        if (server != null) {
            server.close();
            await(server.waitClosed());
        }
    }
}
