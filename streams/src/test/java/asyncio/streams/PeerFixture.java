package asyncio.streams;

import static asyncio.Asyncio.await;
import static asyncio.Asyncio.sleep;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import asyncio.Asyncio;
import asyncio.EventLoop;
import asyncio.ExceptionContext;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;

/** A connection to a plain blocking socket. */
abstract class PeerFixture {
    static final String HOST = "127.0.0.1";

    static void tick() throws Exception {
        await(sleep(Duration.ZERO));
    }

    /** A peer that the test controls byte by byte. */
    interface Peer {
        void run(StreamConnection connection, Socket peer) throws Exception;
    }

    static void withPeer(Peer test) throws Exception {
        Asyncio.run(() -> {
            List<ExceptionContext> reported = new ArrayList<>();
            EventLoop.getRunningLoop().setExceptionHandler((loop, what) -> reported.add(what));
            try (ServerSocket listener = new ServerSocket(0, 1, InetAddress.getByName(HOST));
                    StreamConnection connection = await(Streams.openConnection(HOST, listener.getLocalPort()));
                    Socket peer = listener.accept()) {
                test.run(connection, peer);
                connection.close();
                await(connection.writer().waitClosed().onErrorComplete());
            }
            assertThat(reported).isEmpty();
        });
    }

    static String text(byte[] bytes) {
        return new String(Objects.requireNonNull(bytes), UTF_8);
    }
}
