package asyncio.redis;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.ServerSocket;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.extension.AfterAllCallback;
import org.junit.jupiter.api.extension.BeforeAllCallback;
import org.junit.jupiter.api.extension.ExtensionContext;
import org.redisson.Redisson;
import org.redisson.api.RedissonClient;
import org.redisson.config.Config;
import redis.embedded.RedisServer;

/** A server for one test class: a new one, or that of {@code REDIS_URL}. */
final class Redis implements BeforeAllCallback, AfterAllCallback {
    private static final AtomicInteger NAMES = new AtomicInteger();

    private RedisServer server;
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
            try (ServerSocket free = new ServerSocket(0)) {
                port = free.getLocalPort();
            }
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
        try {
            server = RedisServer.newRedisServer()
                    .port(port)
                    .bind("127.0.0.1")
                    .setting("save \"\"")
                    .build();
            server.start();
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

    RedissonClient client() {
        return client;
    }

    /** Returns another client, which is another machine to the server. */
    RedissonClient connect(long leaseMillis) {
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
        return Redisson.create(config);
    }

    String name() {
        return "test:" + ProcessHandle.current().pid() + ":" + NAMES.incrementAndGet();
    }
}
