package asyncio.examples;

import static asyncio.Asyncio.await;
import static asyncio.Asyncio.gather;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import asyncio.Asyncio;
import asyncio.Future;
import asyncio.streams.Server;
import asyncio.streams.StreamConnection;
import asyncio.streams.Streams;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** The client with Redis, where that is installed, and with a few commands of Redis. */
@Timeout(60)
class RedisClientTest {
    @TempDir
    private Path directory;

    private static void exercise(int port) throws Exception {
        RedisClient redis = new RedisClient(await(Streams.openConnection("127.0.0.1", port)));
        assertThat(await(redis.call("PING"))).isEqualTo("PONG");
        assertThat(await(redis.call("SET", "greeting", "häl\r\nlo"))).isEqualTo("OK");
        assertThat(await(redis.call("GET", "greeting"))).isEqualTo("häl\r\nlo");
        assertThat(await(redis.call("GET", "nothing"))).isNull();
        assertThat(await(redis.call("MGET", "greeting", "nothing"))).isEqualTo(Arrays.asList("häl\r\nlo", null));
        assertThatThrownBy(() -> await(redis.call("INCR", "greeting")))
                .isInstanceOf(IOException.class)
                .hasMessageContaining("not an integer");
        List<Future<Object>> pipelined = new ArrayList<>();
        for (int i = 0; i < 10_000; i++) {
            pipelined.add(redis.call("INCR", "counter"));
        }
        pipelined.get(17).cancel();
        for (int i = 0; i < 10_000; i++) {
            if (i != 17) {
                assertThat(await(pipelined.get(i))).isEqualTo(i + 1L);
            }
        }
        assertThat(await(gather(redis.call("GET", "counter"), redis.call("PING"))))
                .containsExactly("10000", "PONG");
        await(redis.close());
        assertThatThrownBy(() -> await(redis.call("PING"))).isInstanceOf(IOException.class);
    }

    @Test
    void withRedis() throws Exception {
        assumeTrue(
                Stream.of(System.getenv("PATH").split(":"))
                        .anyMatch(folder -> Files.isExecutable(Path.of(folder, "redis-server"))),
                "redis-server is not on the PATH: not tried");
        int port;
        try (ServerSocket socket = new ServerSocket(0)) {
            port = socket.getLocalPort();
        }
        Process process = new ProcessBuilder(
                        "redis-server",
                        "--port",
                        port + "",
                        "--bind",
                        "127.0.0.1",
                        "--save",
                        "",
                        "--dir",
                        directory + "")
                .redirectErrorStream(true)
                .start();
        try (BufferedReader output = new BufferedReader(new InputStreamReader(process.getInputStream(), UTF_8))) {
            String line;
            do {
                line = output.readLine();
            } while (line != null && !line.contains("Ready to accept connections"));
            assertThat(line).isNotNull();
            Asyncio.run(() -> exercise(port));
        } finally {
            process.destroyForcibly().waitFor();
        }
    }

    @Test
    void withAFewCommandsOfIt() throws Exception {
        Asyncio.run(() -> {
            Map<String, String> values = new HashMap<>();
            Server server = await(Streams.startServerBody(connection -> serve(connection, values), "127.0.0.1", 0));
            exercise(server.port());
            await(server.closeAndWait());
        });
    }

    @Test
    void commandsWithoutAReplyFailWithTheConnection() throws Exception {
        Asyncio.run(() -> {
            Server server = await(Streams.startServerBody(StreamConnection::close, "127.0.0.1", 0));
            RedisClient redis = new RedisClient(await(Streams.openConnection("127.0.0.1", server.port())));
            Future<Object> reply = redis.call("PING");
            assertThatThrownBy(() -> await(reply)).isInstanceOf(IOException.class);
            await(server.closeAndWait());
        });
    }

    private static void serve(StreamConnection connection, Map<String, String> values) throws Exception {
        try (connection) {
            byte[] header;
            while ((header = await(connection.reader().readLine())) != null) {
                String[] words = new String[number(header)];
                for (int i = 0; i < words.length; i++) {
                    int length = number(await(connection.reader().readLine()));
                    words[i] = new String(await(connection.reader().readExactly(length + 2)), 0, length, UTF_8);
                }
                connection.writer().write(reply(words, values));
                await(connection.writer().drain());
            }
        }
    }

    private static int number(byte[] line) {
        return Integer.parseInt(new String(line, 1, line.length - 3, UTF_8));
    }

    private static String reply(String[] words, Map<String, String> values) {
        switch (words[0]) {
            case "PING":
                return "+PONG\r\n";
            case "SET":
                values.put(words[1], words[2]);
                return "+OK\r\n";
            case "GET":
                return bulk(values.get(words[1]));
            case "MGET":
                StringBuilder all = new StringBuilder("*" + (words.length - 1) + "\r\n");
                for (int i = 1; i < words.length; i++) {
                    all.append(bulk(values.get(words[i])));
                }
                return all.toString();
            case "INCR":
                try {
                    String next = Long.toString(Long.parseLong(values.getOrDefault(words[1], "0")) + 1);
                    values.put(words[1], next);
                    return ":" + next + "\r\n";
                } catch (NumberFormatException e) {
                    return "-ERR value is not an integer or out of range\r\n";
                }
            default:
                return "-ERR unknown command\r\n";
        }
    }

    private static String bulk(String value) {
        return value == null ? "$-1\r\n" : "$" + value.getBytes(UTF_8).length + "\r\n" + value + "\r\n";
    }
}
