package asyncio.redis;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.net.ServerSocket;
import java.net.Socket;
import java.time.Instant;
import java.util.Comparator;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.logging.Level;
import java.util.logging.Logger;
import org.junit.jupiter.api.extension.AfterAllCallback;
import org.junit.jupiter.api.extension.BeforeAllCallback;
import org.junit.jupiter.api.extension.ExtensionContext;
import org.redisson.Redisson;
import org.redisson.api.RedissonClient;
import org.redisson.config.Config;
import redis.embedded.RedisServer;
import redis.embedded.core.RedisServerBuilder;

/** A server for one test class: a new one, or that of {@code REDIS_URL}. */
final class Redis implements BeforeAllCallback, AfterAllCallback {
    private static final Logger REDISSON = Logger.getLogger("org.redisson");
    private static final AtomicInteger NAMES = new AtomicInteger();

    static {
        REDISSON.setLevel(Level.OFF); // of connections that are lost on purpose
    }

    private RedisServer server;
    private ProcessHandle process;
    private int port;
    private String address;
    private RedissonClient client;

    @Override
    public void beforeAll(ExtensionContext context) throws IOException {
        if (client != null) {
            return; // a nested class
        }
        address = System.getenv("REDIS_URL");
        if (address == null) {
            port = freePort();
            address = "redis://127.0.0.1:" + port;
            start();
        }
        client = connect(30_000);
    }

    @Override
    public void afterAll(ExtensionContext context) throws IOException {
        if (client != null && context.getRequiredTestClass().getEnclosingClass() == null) {
            client.shutdown();
            client = null;
            stop();
        }
    }

    String address() {
        return address;
    }

    boolean isOwn() {
        return port != 0;
    }

    /** Starts it, with its former data if it was stopped. */
    void start() {
        server = start(port);
        process = ProcessHandle.current()
                .children()
                .filter(child -> child.info().command().orElse("").contains("redis"))
                .max(Comparator.comparing(child -> child.info().startInstant().orElse(Instant.MIN)))
                .orElseThrow();
    }

    /** Starts another server. */
    static RedisServer start(int port, String... settings) {
        try {
            RedisServerBuilder builder =
                    RedisServer.newRedisServer().port(port).bind("127.0.0.1").setting("save \"\"");
            for (String setting : settings) {
                builder.setting(setting);
            }
            RedisServer server = builder.build();
            server.start();
            return server;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    void stop() throws IOException {
        if (server != null) {
            server.stop();
            server = null;
        }
    }

    /** Sends a signal to the server's process. */
    void signal(String name) throws IOException, InterruptedException {
        new ProcessBuilder("kill", "-" + name, String.valueOf(process.pid()))
                .start()
                .waitFor();
    }

    int port() {
        return port;
    }

    /** Sends a command to the server at a port, and returns the first line of the reply. */
    static String command(int port, String command) throws IOException {
        try (Socket socket = new Socket("127.0.0.1", port)) {
            socket.setSoTimeout(10_000);
            socket.getOutputStream().write((command + "\r\n").getBytes(UTF_8));
            return new BufferedReader(new InputStreamReader(socket.getInputStream(), UTF_8)).readLine();
        }
    }

    static int freePort() throws IOException {
        try (ServerSocket free = new ServerSocket(0)) {
            return free.getLocalPort();
        }
    }

    RedissonClient client() {
        return client;
    }

    /** Returns another client, which is another machine to the server. */
    RedissonClient connect(long leaseMillis) {
        return Redisson.create(config(address, leaseMillis));
    }

    static Config config(String address, long leaseMillis) {
        Config config = new Config();
        config.setLockWatchdogTimeout(leaseMillis);
        config.setNettyThreads(2);
        config.setThreads(2);
        config.useSingleServer()
                .setAddress(address)
                .setConnectionMinimumIdleSize(1)
                .setConnectionPoolSize(8)
                .setSubscriptionConnectionMinimumIdleSize(1)
                .setTimeout(5000)
                .setRetryAttempts(1);
        return config;
    }

    String name() {
        return "test:" + ProcessHandle.current().pid() + ":" + NAMES.incrementAndGet();
    }
}
