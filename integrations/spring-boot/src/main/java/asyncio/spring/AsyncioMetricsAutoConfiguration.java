package asyncio.spring;

import asyncio.EventLoop;
import asyncio.SharedLoops;
import asyncio.metrics.AsyncioMetrics;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.binder.MeterBinder;
import java.util.ArrayList;
import java.util.List;
import org.springframework.beans.factory.DisposableBean;
import org.springframework.boot.autoconfigure.AutoConfiguration;
import org.springframework.boot.autoconfigure.condition.ConditionalOnClass;
import org.springframework.boot.autoconfigure.condition.ConditionalOnMissingBean;
import org.springframework.boot.autoconfigure.condition.ConditionalOnProperty;
import org.springframework.context.annotation.Bean;

/**
 * Auto-configuration of the meters of the shared loops, see {@link AsyncioMetrics}, in each of the application's
 * registries; {@code asyncio.metrics.enabled=false} turns them off.
 *
 * @since 0.1
 */
@AutoConfiguration(after = AsyncioAutoConfiguration.class)
@ConditionalOnClass(MeterBinder.class)
@ConditionalOnProperty(name = "asyncio.metrics.enabled", matchIfMissing = true)
public final class AsyncioMetricsAutoConfiguration {
    AsyncioMetricsAutoConfiguration() {}

    @Bean
    @ConditionalOnMissingBean(name = "asyncioMeters")
    LoopsMeters asyncioMeters(SharedLoops loops) {
        return new LoopsMeters(loops);
    }

    /**
     * The meters of the loops for the lifetime of the context: another context that leases the loops has its own
     * registry.
     */
    static final class LoopsMeters implements MeterBinder, DisposableBean {
        private final List<AsyncioMetrics> each = new ArrayList<>();

        LoopsMeters(SharedLoops loops) {
            for (EventLoop loop : loops) {
                each.add(new AsyncioMetrics(loop));
            }
        }

        @Override
        public void bindTo(MeterRegistry registry) {
            each.forEach(metrics -> metrics.bindTo(registry));
        }

        @Override
        public void destroy() {
            each.forEach(AsyncioMetrics::close);
        }
    }
}
