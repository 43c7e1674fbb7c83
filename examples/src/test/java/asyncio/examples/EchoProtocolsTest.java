package asyncio.examples;

import static asyncio.Asyncio.await;
import static asyncio.Asyncio.gather;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import asyncio.Asyncio;
import asyncio.streams.Server;
import java.io.IOException;
import java.net.ServerSocket;
import java.net.Socket;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class EchoProtocolsTest {
    @Test
    void theClientAndTheServerUnderstandEachOther() throws Exception {
        Asyncio.run(() -> {
            try (Server server = await(EchoProtocols.start(0))) {
                int port = server.port();
                assertThat(await(gather(EchoProtocols.echo(port, "Hello World!"), EchoProtocols.echo(port, "hällo"))))
                        .containsExactly("Hello World!", "hällo");
            }
        });
    }

    @Test
    void theServerAnswersAPlainSocket() throws Exception {
        Asyncio.run(() -> {
            try (Server server = await(EchoProtocols.start(0))) {
                String answer = await(Asyncio.toThread(() -> {
                    try (Socket socket = new Socket("127.0.0.1", server.port())) {
                        socket.getOutputStream().write("ping".getBytes(UTF_8));
                        return new String(socket.getInputStream().readAllBytes(), UTF_8);
                    }
                }));
                assertThat(answer).isEqualTo("ping");
            }
        });
    }

    @Test
    void aServerThatCutsTheConnectionIsAnErrorOfTheClient() throws Exception {
        Asyncio.run(() -> {
            try (ServerSocket listener = new ServerSocket(0)) {
                var answer = Asyncio.createTask(EchoProtocols.echo(listener.getLocalPort(), "ping"));
                await(Asyncio.toThread(() -> {
                    try (Socket peer = listener.accept()) {
                        peer.setSoLinger(true, 0);
                    }
                    return null;
                }));
                assertThatThrownBy(() -> await(answer)).isInstanceOf(IOException.class);
            }
        });
    }
}
