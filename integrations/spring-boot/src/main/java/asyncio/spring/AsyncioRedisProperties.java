package asyncio.spring;

import java.time.Duration;
import org.springframework.boot.context.properties.ConfigurationProperties;

/**
 * Properties with the prefix {@code asyncio.redis}. The server, and the way to it, are those of
 * {@code spring.data.redis}.
 *
 * @since 0.1
 */
@ConfigurationProperties("asyncio.redis")
public class AsyncioRedisProperties {
    /** Creation of a RedissonClient, for the locks, queues and so on of asyncio-redis. */
    private boolean enabled = true;
    /** Time after which the server gives the lock of a process that has died to others. */
    private Duration lease = Duration.ofSeconds(30);

    /** Creates properties with their defaults. */
    public AsyncioRedisProperties() {}

    /** Returns whether there is a client. */
    public boolean isEnabled() {
        return enabled;
    }

    /** Changes {@link #isEnabled}. */
    public void setEnabled(boolean enabled) {
        this.enabled = enabled;
    }

    /** Returns the lease of locks. */
    public Duration getLease() {
        return lease;
    }

    /** Changes {@link #getLease}. */
    public void setLease(Duration lease) {
        this.lease = lease;
    }
}
