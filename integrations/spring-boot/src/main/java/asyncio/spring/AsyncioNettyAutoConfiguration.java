package asyncio.spring;

import asyncio.streams.Streams;
import org.springframework.boot.autoconfigure.AutoConfiguration;
import org.springframework.boot.autoconfigure.condition.ConditionalOnClass;
import org.springframework.boot.autoconfigure.condition.ConditionalOnMissingBean;
import org.springframework.boot.autoconfigure.condition.ConditionalOnProperty;
import org.springframework.context.annotation.Bean;
import org.springframework.http.client.ReactorResourceFactory;
import reactor.netty.http.HttpResources;

/**
 * Auto-configuration of Reactor Netty: the web server and the HTTP clients that Boot creates run on the shared loops,
 * so that a handler, its bodies and their requests share one loop. {@code asyncio.netty.enabled=false} leaves them on
 * Reactor Netty's own loops.
 *
 * @since 0.1
 */
@AutoConfiguration(
        after = AsyncioAutoConfiguration.class,
        beforeName = {
            "org.springframework.boot.reactor.netty.autoconfigure.NettyReactiveWebServerAutoConfiguration",
            "org.springframework.boot.http.client.autoconfigure.reactive.ReactiveHttpClientAutoConfiguration"
        })
@ConditionalOnClass({ReactorResourceFactory.class, HttpResources.class})
@ConditionalOnProperty(name = "asyncio.netty.enabled", matchIfMissing = true)
public final class AsyncioNettyAutoConfiguration {
    AsyncioNettyAutoConfiguration() {}

    /** Depends on the lease, which therefore ends after it. */
    @Bean
    @ConditionalOnMissingBean
    ReactorResourceFactory reactorResourceFactory(LeasedLoops leased) {
        ReactorResourceFactory factory = new ReactorResourceFactory();
        factory.setUseGlobalResources(false);
        factory.setLoopResourcesSupplier(Streams::sharedLoopResources);
        return factory;
    }
}
