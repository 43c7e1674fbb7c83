package asyncio.streams;

import static asyncio.Asyncio.await;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import asyncio.Asyncio;
import asyncio.EventLoop;
import java.net.BindException;
import java.net.ConnectException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;

@ExtendWith(LeakCheck.class)
class UnixSocketTest {
    @TempDir
    private Path directory;

    private Path path() {
        return directory.resolve("s");
    }

    private static void expectEcho(Path path, ConnectOptions options) throws Exception {
        StreamConnection connection = await(Streams.openUnixConnection(path, options));
        connection.writer().write("hello\n");
        assertThat(TlsTest.text(await(connection.reader().readLine()))).isEqualTo("hello\n");
        connection.close();
        await(connection.writer().waitClosed());
    }

    private static void end(Server server) throws Exception {
        server.close();
        await(server.waitClosed());
    }

    @Test
    @DisplayName("STR-01 a line and the rest over a Unix socket, and its file is removed in the end")
    void lines() throws Exception {
        Asyncio.run(() -> {
            Server server = await(Streams.startUnixServerBody(
                    connection -> {
                        try (connection) {
                            connection.writer().write("first\nrest");
                            connection.writer().writeEof();
                            assertThat(await(connection.reader().readAll())).hasSize(3);
                        }
                    },
                    path()));
            assertThat(server.sockets())
                    .hasSize(1)
                    .allSatisfy(address -> assertThat(address.toString()).isEqualTo(path().toString()));
            assertThatThrownBy(server::port)
                    .isInstanceOf(IllegalStateException.class)
                    .hasMessageContaining("has no port");
            StreamConnection connection = await(Streams.openUnixConnection(path()));
            assertThat(connection.writer().remoteAddress()).hasToString(path().toString());
            connection.writer().write("bye");
            connection.writer().writeEof();
            assertThat(TlsTest.text(await(connection.reader().readLine()))).isEqualTo("first\n");
            assertThat(TlsTest.text(await(connection.reader().readAll()))).isEqualTo("rest");
            connection.close();
            await(connection.writer().waitClosed());
            end(server);
            assertThat(directory).isEmptyDirectory();
        });
    }

    @Test
    @DisplayName("NET-12, NET-41, SSL-01 TLS over a Unix socket needs a name; in Reactor's style")
    void encrypted() throws Exception {
        Asyncio.run(() -> {
            Server server = await(Streams.startUnixServer(
                    connection -> connection
                            .reader()
                            .lines()
                            .doOnNext(connection.writer()::write)
                            .doOnTerminate(connection::close),
                    path(),
                    TestCertificates.server()));
            expectEcho(
                    path(),
                    ConnectOptions.builder()
                            .tls(TlsOptions.builder()
                                    .context(TestCertificates.jdk(null))
                                    .serverHostname("localhost")
                                    .build())
                            .build());
            assertThatThrownBy(() -> await(Streams.openUnixConnection(path(), TestCertificates.client())))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessageContaining("serverHostname");
            end(server);
        });
    }

    @Test
    void theEndOfTheLoopRemovesTheFile() throws Exception {
        Asyncio.run(() -> {
            await(Streams.startUnixServerBody(TlsTest::echoLines, path()));
            assertThat(path()).exists();
        });
        assertThat(directory).isEmptyDirectory();
    }

    @Test
    @DisplayName("SRV-01 a Unix server that does not serve at once; nobody is refused meanwhile")
    void startServing() throws Exception {
        Asyncio.run(() -> {
            Server server = await(Streams.startUnixServerBody(
                    TlsTest::echoLines,
                    path(),
                    ServeOptions.builder().startServing(false).build()));
            assertThat(server.isServing()).isFalse();
            server.startServing();
            assertThat(server.isServing()).isTrue();
            expectEcho(path(), ConnectOptions.DEFAULT);
            end(server);
            assertThat(server.sockets()).isEmpty();
        });
    }

    @Test
    @DisplayName("SRV-09 a file that is gone is no error")
    void gone() throws Exception {
        Asyncio.run(() -> {
            Server server = await(Streams.startUnixServerBody(TlsTest::echoLines, path()));
            Files.delete(path());
            end(server);
            assertThat(directory).isEmptyDirectory();
        });
    }

    @Test
    void aSocketThatIsNotThereIsNamed() throws Exception {
        Asyncio.run(() -> assertThatThrownBy(() -> await(Streams.openUnixConnection(path())))
                .isInstanceOf(ConnectException.class)
                .hasMessageContaining(path().toString())
                .hasMessageNotContaining("null"));
    }

    @Test
    @DisplayName("SRV-10 a file of somebody else is left alone")
    void replaced() throws Exception {
        Asyncio.run(() -> {
            Server server = await(Streams.startUnixServerBody(TlsTest::echoLines, path()));
            Server successor = await(Streams.startUnixServerBody(TlsTest::echoLines, path()));
            end(server);
            expectEcho(path(), ConnectOptions.DEFAULT);
            Files.delete(path());
            Files.writeString(path(), "mine");
            end(successor);
            assertThat(path()).hasContent("mine");
        });
    }

    @Test
    @DisplayName("NET-36, SRV-11 cleanupSocket(false) leaves the file, which the next server replaces")
    void kept() throws Exception {
        Asyncio.run(() -> {
            end(await(Streams.startUnixServerBody(
                    TlsTest::echoLines,
                    path(),
                    ServeOptions.builder().cleanupSocket(false).build())));
            assertThat(path()).exists();
            assertThatThrownBy(() -> await(Streams.openUnixConnection(path())))
                    .isInstanceOf(ConnectException.class)
                    .hasMessageContaining(path().toString());
            Server server = await(Streams.startUnixServerBody(TlsTest::echoLines, path()));
            expectEcho(path(), ConnectOptions.DEFAULT);
            end(server);
            assertThat(directory).isEmptyDirectory();
        });
    }

    @Test
    @DisplayName("NET-37, NET-40: a file that is no socket, and a path that cannot be, are a BindException")
    void otherFilesAreNotReplaced() throws Exception {
        Files.writeString(path(), "precious");
        Asyncio.run(() -> {
            assertThatThrownBy(() -> await(Streams.startUnixServerBody(TlsTest::echoLines, path())))
                    .isInstanceOf(BindException.class)
                    .hasMessageContaining("not a socket");
            assertThatThrownBy(() -> await(Streams.startUnixServerBody(
                            TlsTest::echoLines, directory.resolve("no").resolve("such"))))
                    .isInstanceOf(BindException.class)
                    .hasMessageContaining("such");
            assertThatThrownBy(() -> await(Streams.openUnixConnection(directory.resolve("nobody"))))
                    .isInstanceOf(ConnectException.class)
                    .hasMessageContaining("nobody");
        });
        assertThat(directory).isDirectoryContaining(file -> file.endsWith("s"));
        assertThat(Files.list(directory).toList()).containsExactly(path());
        assertThat(EventLoop.shutdownShared(java.time.Duration.ofSeconds(10))).isTrue();
    }
}
