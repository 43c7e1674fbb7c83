package asyncio.spring;

import asyncio.SharedLoops;
import org.springframework.boot.autoconfigure.AutoConfiguration;
import org.springframework.boot.autoconfigure.condition.ConditionalOnClass;
import org.springframework.boot.autoconfigure.condition.ConditionalOnMissingBean;
import org.springframework.boot.health.autoconfigure.contributor.ConditionalOnEnabledHealthIndicator;
import org.springframework.boot.health.contributor.ReactiveHealthIndicator;
import org.springframework.context.annotation.Bean;

/**
 * Auto-configuration of the health indicator {@code asyncio}: down if a shared loop does not answer within
 * {@code asyncio.health.limit}.
 *
 * @since 0.1
 */
@AutoConfiguration(
        after = AsyncioAutoConfiguration.class,
        beforeName =
                "org.springframework.boot.health.autoconfigure.registry.HealthContributorRegistryAutoConfiguration")
@ConditionalOnClass({ReactiveHealthIndicator.class, ConditionalOnEnabledHealthIndicator.class})
@ConditionalOnEnabledHealthIndicator("asyncio")
public final class AsyncioHealthAutoConfiguration {
    AsyncioHealthAutoConfiguration() {}

    @Bean
    @ConditionalOnMissingBean(name = "asyncioHealthIndicator")
    ReactiveHealthIndicator asyncioHealthIndicator(SharedLoops loops, AsyncioProperties properties) {
        return new LoopsHealthIndicator(loops, properties.getHealth().getLimit());
    }
}
