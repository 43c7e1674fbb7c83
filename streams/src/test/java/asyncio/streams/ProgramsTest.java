package asyncio.streams;

import static asyncio.Asyncio.async;
import static asyncio.Asyncio.await;
import static asyncio.Asyncio.createTask;
import static asyncio.Asyncio.toThread;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import asyncio.Asyncio;
import asyncio.Task;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.OutputStream;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Our connections to common programs. */
@ExtendWith(LeakCheck.class)
@Timeout(120)
class ProgramsTest {
    @TempDir
    private Path directory;

    private static void assumeInstalled(String program) {
        boolean found = false;
        for (String folder : System.getenv("PATH").split(":")) {
            found |= Files.isExecutable(Path.of(folder, program));
        }
        assumeTrue(found, program + " is not on the PATH: not tried");
    }

    private Path authority() throws IOException {
        return Files.writeString(directory.resolve("authority.pem"), TestCertificates.AUTHORITY.getCertificatePEM());
    }

    private Process start(List<String> command) throws IOException {
        return new ProcessBuilder(command).redirectErrorStream(true).start();
    }

    /** Returns the output of a program that reads this input to its end. */
    private String run(String input, String... command) throws Exception {
        Process process = start(List.of(command));
        return await(toThread(() -> {
            try (OutputStream in = process.getOutputStream()) {
                in.write(input.getBytes(UTF_8));
            }
            String output = new String(process.getInputStream().readAllBytes(), UTF_8);
            assertThat(process.waitFor(30, TimeUnit.SECONDS)).isTrue();
            return output + "exit " + process.exitValue();
        }));
    }

    @ParameterizedTest
    @CsvSource({"-tls1_2, TLSv1.2", "-tls1_3, TLSv1.3"})
    @DisplayName("SSL-01 SSL-22 openssl s_client with our server")
    void opensslClient(String option, String version) throws Exception {
        assumeInstalled("openssl");
        Asyncio.run(() -> {
            Server server = await(Streams.startServerBody(
                    connection -> {
                        try (connection) {
                            String line = TlsTest.text(await(connection.reader().readLine()));
                            connection.writer().write("you said " + line);
                            connection
                                    .writer()
                                    .write(connection.sslSession().getProtocol() + " "
                                            + connection.applicationProtocol() + "\n");
                        }
                    },
                    "127.0.0.1",
                    0,
                    ServeOptions.builder()
                            .tls(TlsOptions.builder()
                                    .context(TestCertificates.jdk(TestCertificates.LOCALHOST))
                                    .applicationProtocols("echo/2", "echo/1")
                                    .build())
                            .build()));
            String output = run(
                    "hello\n",
                    "openssl",
                    "s_client",
                    option,
                    "-connect",
                    "127.0.0.1:" + server.port(),
                    "-servername",
                    "localhost",
                    "-verify_hostname",
                    "localhost",
                    "-verify_return_error",
                    "-alpn",
                    "echo/1",
                    "-ign_eof",
                    "-CAfile",
                    authority().toString());
            assertThat(output)
                    .contains("you said hello\n")
                    .contains(version + " echo/1\n")
                    .contains("Verification: OK")
                    .endsWith("exit 0");
            server.close();
            await(server.waitClosed());
        });
    }

    @ParameterizedTest
    @CsvSource({"-tls1_2, TLSv1.2", "-tls1_3, TLSv1.3"})
    @DisplayName("SSL-01 SSL-20 our client with openssl s_server")
    void opensslServer(String option, String version) throws Exception {
        assumeInstalled("openssl");
        Path key = Files.writeString(directory.resolve("key.pem"), TestCertificates.LOCALHOST.getPrivateKeyPEM());
        Path certificate = Files.writeString(
                directory.resolve("certificate.pem"), TestCertificates.LOCALHOST.getCertificatePathPEM());
        int port;
        try (ServerSocket socket = new ServerSocket(0)) {
            port = socket.getLocalPort();
        }
        Process process = start(List.of(
                "openssl",
                "s_server",
                option,
                "-accept",
                "127.0.0.1:" + port,
                "-key",
                key.toString(),
                "-cert",
                certificate.toString(),
                "-alpn",
                "echo/1",
                "-rev"));
        try (BufferedReader output = new BufferedReader(new InputStreamReader(process.getInputStream(), UTF_8))) {
            String line;
            do {
                line = output.readLine();
            } while (line != null && !line.startsWith("ACCEPT"));
            assertThat(line).isNotNull();
            Asyncio.run(() -> {
                StreamConnection connection = await(Streams.openConnection(
                        "127.0.0.1",
                        port,
                        ConnectOptions.builder()
                                .tls(TlsOptions.builder()
                                        .context(TestCertificates.jdk(null))
                                        .serverHostname("localhost")
                                        .applicationProtocols("echo/2", "echo/1")
                                        .build())
                                .build()));
                assertThat(connection.sslSession().getProtocol()).isEqualTo(version);
                assertThat(connection.applicationProtocol()).isEqualTo("echo/1");
                connection.writer().write("hello\n");
                assertThat(TlsTest.text(await(connection.reader().readLine()))).isEqualTo("olleh\n");
                connection.writer().write("CLOSE\n"); // its command for closing with close_notify
                assertThat(await(connection.reader().readAll())).isEmpty();
                connection.close();
                await(connection.writer().waitClosed());
            });
        } finally {
            process.destroyForcibly().waitFor();
        }
    }

    /** A small HTTP/1.1 server: keeps connections alive, answers with the path and the length of the request body. */
    private static void serveHttp(StreamConnection connection) throws Exception {
        try (connection) {
            byte[] first;
            while ((first = await(connection.reader().readLine())) != null) {
                String path = TlsTest.text(first).split(" ")[1];
                int length = 0;
                for (String header;
                        !(header = TlsTest.text(await(connection.reader().readLine()))).isBlank(); ) {
                    if (header.toLowerCase().startsWith("content-length:")) {
                        length = Integer.parseInt(header.substring(15).strip());
                    }
                }
                int sum = await(connection.reader().readExactly(length)).length;
                String body = path + " " + sum + "\n";
                connection.writer().write("HTTP/1.1 200 OK\r\nContent-Length: " + body.length() + "\r\n\r\n" + body);
                await(connection.writer().drain());
            }
        }
    }

    @ParameterizedTest
    @CsvSource({"tcp", "tls", "unix"})
    @DisplayName("SRV-04 curl with a small HTTP server on our connections")
    void curl(String transport) throws Exception {
        assumeInstalled("curl");
        Path upload = Files.write(directory.resolve("upload"), new byte[500_000]);
        Path path = directory.resolve("s");
        Asyncio.run(() -> {
            Server server = transport.equals("unix")
                    ? await(Streams.startUnixServerBody(ProgramsTest::serveHttp, path))
                    : await(Streams.startServerBody(
                            ProgramsTest::serveHttp,
                            "127.0.0.1",
                            0,
                            transport.equals("tls") ? TestCertificates.server() : ServeOptions.DEFAULT));
            String url = (transport.equals("tls") ? "https" : "http") + "://127.0.0.1"
                    + (transport.equals("unix") ? "" : ":" + server.port());
            List<Task<String>> clients = new ArrayList<>();
            for (int i = 0; i < 5; i++) {
                List<String> command = new ArrayList<>(List.of(
                        "curl",
                        "-sS",
                        "-m",
                        "60",
                        "--noproxy",
                        "*",
                        "--cacert",
                        authority().toString(),
                        "-H",
                        "Expect:"));
                if (transport.equals("unix")) {
                    command.addAll(List.of("--unix-socket", path.toString()));
                }
                command.addAll(List.of("--data-binary", "@" + upload, url + "/a" + i, url + "/b" + i));
                clients.add(createTask(async(() -> run("", command.toArray(String[]::new)))));
            }
            for (int i = 0; i < 5; i++) {
                assertThat(await(clients.get(i))).isEqualTo("/a" + i + " 500000\n/b" + i + " 500000\nexit 0");
            }
            await(server.closeAndWait());
        });
    }
}
