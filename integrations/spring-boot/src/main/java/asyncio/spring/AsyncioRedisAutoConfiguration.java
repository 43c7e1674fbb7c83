package asyncio.spring;

import asyncio.redis.RedisLock;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import org.redisson.Redisson;
import org.redisson.api.RedissonClient;
import org.redisson.config.BaseConfig;
import org.redisson.config.Config;
import org.springframework.boot.autoconfigure.AutoConfiguration;
import org.springframework.boot.autoconfigure.condition.ConditionalOnBean;
import org.springframework.boot.autoconfigure.condition.ConditionalOnClass;
import org.springframework.boot.autoconfigure.condition.ConditionalOnMissingBean;
import org.springframework.boot.autoconfigure.condition.ConditionalOnProperty;
import org.springframework.boot.context.properties.EnableConfigurationProperties;
import org.springframework.boot.data.redis.autoconfigure.DataRedisAutoConfiguration;
import org.springframework.boot.data.redis.autoconfigure.DataRedisConnectionDetails;
import org.springframework.boot.data.redis.autoconfigure.DataRedisConnectionDetails.Cluster;
import org.springframework.boot.data.redis.autoconfigure.DataRedisConnectionDetails.MasterReplica;
import org.springframework.boot.data.redis.autoconfigure.DataRedisConnectionDetails.Node;
import org.springframework.boot.data.redis.autoconfigure.DataRedisConnectionDetails.Sentinel;
import org.springframework.boot.data.redis.autoconfigure.DataRedisConnectionDetails.Standalone;
import org.springframework.boot.data.redis.autoconfigure.DataRedisProperties;
import org.springframework.context.annotation.Bean;
import org.springframework.util.StringUtils;

/**
 * Auto-configuration of the {@link RedissonClient} of asyncio-redis, which connects to the server of the application's
 * {@code spring.data.redis} properties (or container) when it is first used. A client or a {@link Config} that the
 * application defines replaces it.
 *
 * @since 0.1
 */
@AutoConfiguration(after = DataRedisAutoConfiguration.class)
@ConditionalOnClass({RedisLock.class, DataRedisConnectionDetails.class})
@ConditionalOnBean(DataRedisConnectionDetails.class)
@ConditionalOnMissingBean(RedissonClient.class)
@ConditionalOnProperty(name = "asyncio.redis.enabled", matchIfMissing = true)
@EnableConfigurationProperties(AsyncioRedisProperties.class)
public final class AsyncioRedisAutoConfiguration {
    AsyncioRedisAutoConfiguration() {}

    @Bean(destroyMethod = "shutdown")
    RedissonClient redissonClient(Config config) {
        return Redisson.create(config);
    }

    @Bean
    @ConditionalOnMissingBean
    Config redissonConfig(
            DataRedisConnectionDetails details, DataRedisProperties properties, AsyncioRedisProperties asyncio) {
        Config config = new Config();
        config.setLazyInitialization(true);
        config.setLockWatchdogTimeout(asyncio.getLease().toMillis());
        if (StringUtils.hasLength(details.getUsername())) { // empty in redis://:password@host
            config.setUsername(details.getUsername());
        }
        if (details.getPassword() != null) {
            config.setPassword(details.getPassword());
        }
        var bundle = details.getSslBundle();
        if (bundle != null) {
            config.setSslKeyManagerFactory(bundle.getManagers().getKeyManagerFactory());
            config.setSslTrustManagerFactory(bundle.getManagers().getTrustManagerFactory());
            if (bundle.getOptions().getCiphers() != null) {
                config.setSslCiphers(bundle.getOptions().getCiphers());
            }
            if (bundle.getOptions().getEnabledProtocols() != null) {
                config.setSslProtocols(bundle.getOptions().getEnabledProtocols());
            }
        }
        String url = properties.getUrl();
        boolean tls = bundle != null || url != null && url.startsWith("rediss://"); // Boot has no bundle for such a URL
        BaseConfig<?> servers = servers(config, details, tls ? "rediss" : "redis");
        Duration timeout = properties.getTimeout();
        if (timeout != null) {
            servers.setTimeout(Math.toIntExact(timeout.toMillis()));
        }
        Duration connectTimeout = properties.getConnectTimeout();
        if (connectTimeout != null) {
            servers.setConnectTimeout(Math.toIntExact(connectTimeout.toMillis()));
        }
        if (properties.getClientName() != null) {
            servers.setClientName(properties.getClientName());
        }
        return config;
    }

    /** Looks for the kind of server in Boot's order. */
    private static BaseConfig<?> servers(Config config, DataRedisConnectionDetails details, String scheme) {
        Sentinel sentinel = details.getSentinel();
        if (sentinel != null) {
            var servers = config.useSentinelServers()
                    .setMasterName(sentinel.getMaster())
                    .setDatabase(sentinel.getDatabase())
                    .addSentinelAddress(addresses(scheme, sentinel.getNodes()));
            if (StringUtils.hasLength(sentinel.getUsername())) {
                servers.setSentinelUsername(sentinel.getUsername());
            }
            if (sentinel.getPassword() != null) {
                servers.setSentinelPassword(sentinel.getPassword());
            }
            return servers;
        }
        Cluster cluster = details.getCluster();
        if (cluster != null) {
            return config.useClusterServers().addNodeAddress(addresses(scheme, cluster.getNodes()));
        }
        MasterReplica replicated = details.getMasterReplica();
        if (replicated != null) {
            return config.useReplicatedServers().addNodeAddress(addresses(scheme, replicated.getNodes()));
        }
        Standalone one = Objects.requireNonNull(details.getStandalone(), "no server in spring.data.redis");
        return config.useSingleServer()
                .setAddress(address(scheme, one.getHost(), one.getPort()))
                .setDatabase(one.getDatabase());
    }

    private static String[] addresses(String scheme, List<Node> nodes) {
        return nodes.stream()
                .map(node -> address(scheme, node.host(), node.port()))
                .toArray(String[]::new);
    }

    private static String address(String scheme, String host, int port) {
        return scheme + "://" + (host.contains(":") && !host.startsWith("[") ? "[" + host + "]" : host) + ":" + port;
    }
}
