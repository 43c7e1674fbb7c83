package asyncio.spring;

import static org.assertj.core.api.Assertions.assertThat;

import asyncio.redis.RedisLock;
import asyncio.redis.RedisPermit;
import java.net.ServerSocket;
import java.time.Duration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.redisson.Redisson;
import org.redisson.api.RedissonClient;
import org.redisson.config.Config;
import org.springframework.boot.WebApplicationType;
import org.springframework.context.ConfigurableApplicationContext;
import org.springframework.context.annotation.Bean;
import reactor.core.publisher.Mono;
import redis.embedded.RedisServer;

/** The client of asyncio-redis on the connection settings of an application. */
@Timeout(120)
class RedisTest {
    private static ConfigurableApplicationContext run(Class<?> type, String... properties) {
        return Contexts.run(WebApplicationType.NONE, type, properties);
    }

    static class Nothing {}

    @Test
    void locksAreOnTheServerOfSpringData() throws Exception {
        int port;
        try (ServerSocket free = new ServerSocket(0)) {
            port = free.getLocalPort();
        }
        RedisServer server = RedisServer.newRedisServer()
                .port(port)
                .bind("127.0.0.1")
                .setting("requirepass secret")
                .build();
        server.start();
        try (ConfigurableApplicationContext context = run(
                Nothing.class,
                "spring.data.redis.url=redis://:secret@127.0.0.1:" + port + "/3",
                "spring.data.redis.timeout=7s",
                "spring.data.redis.client-name=shop",
                "asyncio.redis.lease=12s")) {
            RedissonClient client = context.getBean(RedissonClient.class);
            RedisLock lock = RedisLock.of(client, "stock");
            assertThat(lock.withLock(Mono.just(1)).block()).isEqualTo(1);
            RedisPermit permit = lock.acquire().block();
            assertThat(client.getKeys().remainTimeToLive("stock")).isBetween(1L, 12_000L);
            permit.releaseAndWait().block();
            var servers = client.getConfig().useSingleServer();
            assertThat(servers.getDatabase()).isEqualTo(3);
            assertThat(servers.getTimeout()).isEqualTo(7000);
            assertThat(servers.getClientName()).isEqualTo("shop");
            context.close();
            assertThat(client.isShutdown()).isTrue();
        } finally {
            server.stop();
        }
    }

    /** It connects when it is used, so that an application starts without its server. */
    @Test
    void anApplicationStartsWithoutTheServer() {
        try (ConfigurableApplicationContext context = run(Nothing.class, "spring.data.redis.port=1")) {
            assertThat(context.getBean(RedissonClient.class).getConfig().getLockWatchdogTimeout())
                    .isEqualTo(30_000);
        }
    }

    @Test
    void allKindsOfServersAreKnown() {
        try (ConfigurableApplicationContext context = run(
                Nothing.class,
                "spring.data.redis.cluster.nodes=one:1,[::1]:2",
                "spring.data.redis.username=me",
                "spring.data.redis.password=secret")) {
            Config config = context.getBean(Config.class);
            assertThat(config.isClusterConfig()).isTrue();
            assertThat(config.useClusterServers().getNodeAddresses())
                    .containsExactly("redis://one:1", "redis://[::1]:2");
            assertThat(config.getUsername()).isEqualTo("me");
        }
        try (ConfigurableApplicationContext context = run(
                Nothing.class,
                "spring.data.redis.sentinel.master=main",
                "spring.data.redis.sentinel.nodes=one:1",
                "spring.data.redis.ssl.enabled=true")) {
            var servers = context.getBean(Config.class).useSentinelServers();
            assertThat(servers.getMasterName()).isEqualTo("main");
            assertThat(servers.getSentinelAddresses()).containsExactly("rediss://one:1");
        }
        try (ConfigurableApplicationContext context = run(Nothing.class, "spring.data.redis.url=rediss://one:1")) {
            assertThat(context.getBean(Config.class).useSingleServer().getAddress())
                    .isEqualTo("rediss://one:1");
        }
    }

    static class Own {
        static final RedissonClient CLIENT = Redisson.create(lazy());

        private static Config lazy() {
            Config config = new Config();
            config.setLazyInitialization(true);
            config.useSingleServer().setAddress("redis://127.0.0.1:1");
            return config;
        }

        @Bean
        RedissonClient own() {
            return CLIENT;
        }
    }

    @Test
    void anApplicationMayHaveItsOwnOrNone() {
        try (ConfigurableApplicationContext context = run(Own.class)) {
            assertThat(context.getBean(RedissonClient.class)).isSameAs(Own.CLIENT);
            assertThat(context.getBeansOfType(Config.class)).isEmpty();
        }
        try (ConfigurableApplicationContext context = run(Nothing.class, "asyncio.redis.enabled=false")) {
            assertThat(context.getBeansOfType(RedissonClient.class)).isEmpty();
        }
    }

    @Test
    void theLeaseHasADefault() {
        assertThat(new AsyncioRedisProperties().getLease()).isEqualTo(Duration.ofSeconds(30));
    }
}
