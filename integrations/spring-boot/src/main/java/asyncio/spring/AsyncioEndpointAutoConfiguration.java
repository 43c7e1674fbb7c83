package asyncio.spring;

import org.springframework.boot.actuate.autoconfigure.endpoint.condition.ConditionalOnAvailableEndpoint;
import org.springframework.boot.actuate.endpoint.annotation.Endpoint;
import org.springframework.boot.autoconfigure.AutoConfiguration;
import org.springframework.boot.autoconfigure.condition.ConditionalOnClass;
import org.springframework.boot.autoconfigure.condition.ConditionalOnMissingBean;
import org.springframework.context.annotation.Bean;

/**
 * Auto-configuration of the endpoint {@code asyncio}.
 *
 * @since 0.1
 */
@AutoConfiguration(after = AsyncioAutoConfiguration.class)
@ConditionalOnClass({Endpoint.class, ConditionalOnAvailableEndpoint.class})
@ConditionalOnAvailableEndpoint(AsyncioEndpoint.class)
public final class AsyncioEndpointAutoConfiguration {
    AsyncioEndpointAutoConfiguration() {}

    @Bean
    @ConditionalOnMissingBean
    AsyncioEndpoint asyncioEndpoint() {
        return new AsyncioEndpoint();
    }
}
