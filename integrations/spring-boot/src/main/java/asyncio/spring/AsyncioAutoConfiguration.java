package asyncio.spring;

import asyncio.EventLoop;
import asyncio.SharedLoops;
import org.springframework.beans.factory.config.ConfigurableBeanFactory;
import org.springframework.boot.autoconfigure.AutoConfiguration;
import org.springframework.boot.autoconfigure.condition.ConditionalOnMissingBean;
import org.springframework.boot.autoconfigure.condition.SearchStrategy;
import org.springframework.boot.context.properties.EnableConfigurationProperties;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Lazy;
import org.springframework.context.annotation.Scope;

/**
 * Auto-configuration of the shared loops: the context leases them for its lifetime, and injects them.
 *
 * <p>The beans are {@link LeasedLoops}, {@link SharedLoops}, and an {@link EventLoop}; each injection point gets the
 * next loop.
 *
 * @since 0.1
 */
@AutoConfiguration
@EnableConfigurationProperties(AsyncioProperties.class)
public final class AsyncioAutoConfiguration {
    AsyncioAutoConfiguration() {}

    @Bean
    @Lazy(false)
    @ConditionalOnMissingBean
    LeasedLoops asyncioLeasedLoops(AsyncioProperties properties) {
        return new LeasedLoops(properties.getShutdown().getTimeout());
    }

    @Bean(destroyMethod = "")
    @ConditionalOnMissingBean
    SharedLoops asyncioSharedLoops(LeasedLoops leased) {
        return leased.loops();
    }

    @Bean(destroyMethod = "")
    @Scope(ConfigurableBeanFactory.SCOPE_PROTOTYPE)
    @ConditionalOnMissingBean
    EventLoop asyncioEventLoop(SharedLoops loops) {
        return loops.next();
    }

    /** One for each context, since a parent's does not see the workers of a child. */
    @Bean
    @ConditionalOnMissingBean(search = SearchStrategy.CURRENT)
    static WorkerPools asyncioWorkerPools() {
        return new WorkerPools();
    }
}
