package asyncio.examples;

import static asyncio.Asyncio.await;
import static org.assertj.core.api.Assertions.assertThat;

import asyncio.Asyncio;
import asyncio.subprocess.Command;
import asyncio.subprocess.Stdio;
import asyncio.subprocess.Subprocess;
import java.net.ServerSocket;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.redisson.Redisson;
import org.redisson.api.RedissonClient;
import org.redisson.config.Config;
import redis.embedded.RedisServer;

/** One process that puts, and two that work, of which one is killed. */
@Timeout(120)
class SharedInvoicesTest {
    private static final int ORDERS = 200;

    private static Command program(String... arguments) {
        List<String> words = new ArrayList<>(List.of(
                System.getProperty("java.home") + "/bin/java",
                "-Xmx64m",
                "-XX:TieredStopAtLevel=1",
                "-cp",
                System.getProperty("java.class.path"),
                SharedInvoices.class.getName()));
        words.addAll(List.of(arguments));
        return Command.of(words).stdout(Stdio.PIPE).exitGrace(Duration.ofMillis(1)); // it does not read stdin
    }

    @Test
    void aWorkerThatIsKilledLosesNothing() throws Exception {
        int port;
        try (ServerSocket free = new ServerSocket(0)) {
            port = free.getLocalPort();
        }
        RedisServer server = RedisServer.newRedisServer()
                .port(port)
                .bind("127.0.0.1")
                .setting("save \"\"")
                .build();
        server.start();
        String address = "redis://127.0.0.1:" + port;
        Config config = new Config();
        config.useSingleServer().setAddress(address);
        RedissonClient client = Redisson.create(config);
        try {
            Map<Integer, Integer> invoices = client.getMap("invoices");
            Asyncio.run(() -> {
                try (Subprocess victim = await(Subprocess.start(program(address, "work")));
                        Subprocess producer =
                                await(Subprocess.start(program(address, "put", String.valueOf(ORDERS))))) {
                    assertThat(await(victim.stdout().readLine())).isNotNull(); // it has done one, and is at the next
                    try (Subprocess survivor =
                            await(Subprocess.start(program(address, "work").stdout(Stdio.DEVNULL)))) {
                        victim.kill();
                        assertThat(await(producer.communicate()).out()).isEqualTo("invoices: " + ORDERS + "\n");
                        assertThat(survivor.returnCode()).isEmpty();
                    }
                }
            });
            assertThat(invoices.keySet())
                    .containsExactlyInAnyOrderElementsOf(
                            IntStream.rangeClosed(1, ORDERS).boxed().toList());
            assertThat(invoices.values())
                    .containsExactlyInAnyOrderElementsOf(
                            IntStream.rangeClosed(1, ORDERS).boxed().toList());
        } finally {
            client.shutdown();
            server.stop();
        }
    }
}
