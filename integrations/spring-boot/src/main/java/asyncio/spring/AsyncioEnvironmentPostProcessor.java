package asyncio.spring;

import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import org.apache.commons.logging.Log;
import org.jspecify.annotations.Nullable;
import org.springframework.boot.EnvironmentPostProcessor;
import org.springframework.boot.SpringApplication;
import org.springframework.boot.context.properties.bind.Binder;
import org.springframework.boot.context.properties.bind.PropertySourcesPlaceholdersResolver;
import org.springframework.boot.context.properties.source.ConfigurationPropertySources;
import org.springframework.boot.logging.DeferredLogFactory;
import org.springframework.core.Ordered;
import org.springframework.core.env.ConfigurableEnvironment;
import org.springframework.core.env.PropertySource;
import org.springframework.core.env.StandardEnvironment;

/**
 * Copies the application's properties that the library reads once, as system properties, to the system properties:
 * after all property sources are available and before any bean, and so before the library's first class. A system
 * property that is already set is kept; a warning is logged for one that an earlier context of this process has set
 * differently.
 */
final class AsyncioEnvironmentPostProcessor implements EnvironmentPostProcessor, Ordered {
    /** Properties that this class has set, with their values; guarded by this class. */
    private static final Map<String, String> SET = new TreeMap<>();

    private final Log log;

    AsyncioEnvironmentPostProcessor(DeferredLogFactory logs) {
        log = logs.getLog(AsyncioEnvironmentPostProcessor.class);
    }

    /** Runs after the property files have been read. */
    @Override
    public int getOrder() {
        return Ordered.LOWEST_PRECEDENCE;
    }

    @Override
    public void postProcessEnvironment(ConfigurableEnvironment environment, SpringApplication application) {
        // ignore system properties, which are the target, also for an earlier context
        List<PropertySource<?>> sources = environment.getPropertySources().stream()
                .filter(source -> !source.getName().equals(StandardEnvironment.SYSTEM_PROPERTIES_PROPERTY_SOURCE_NAME))
                .filter(source -> !ConfigurationPropertySources.isAttachedConfigurationPropertySource(source))
                .toList();
        AsyncioProperties properties = new Binder(
                        ConfigurationPropertySources.from(sources),
                        new PropertySourcesPlaceholdersResolver(environment))
                .bindOrCreate("asyncio", AsyncioProperties.class);
        synchronized (AsyncioEnvironmentPostProcessor.class) {
            systemProperties(properties).forEach(this::set);
        }
    }

    private void set(String property, String value) {
        String before = System.getProperty(property);
        if (before == null) {
            System.setProperty(property, value);
            SET.put(property, value);
        } else if (before.equals(SET.get(property)) && !before.equals(value)) {
            log.warn(
                    property + "=" + value + " has no effect: an earlier application context of this process set it to "
                            + before + ", and the library reads it once");
        }
    }

    /** For tests. */
    static synchronized void forget() {
        SET.clear();
    }

    private static Map<String, String> systemProperties(AsyncioProperties from) {
        Map<String, String> to = new TreeMap<>();
        put(to, "asyncio.loops.size", from.getLoops().getSize());
        put(to, "asyncio.transport", from.getLoops().getTransport());
        put(to, "asyncio.bodies.kind", from.getBodies().getKind());
        put(to, "asyncio.bodies.max", from.getBodies().getMax());
        put(to, "asyncio.context-propagation", from.getContextPropagation());
        put(to, "asyncio.debug.enabled", from.getDebug().getEnabled());
        put(to, "asyncio.debug.operators", from.getDebug().getOperators());
        put(to, "asyncio.debug.slow-callback", from.getDebug().getSlowCallback());
        put(to, "asyncio.jmx", from.getJmx());
        put(to, "asyncio.watchdog.step", from.getWatchdog().getStep());
        put(to, "asyncio.watchdog.unclaimed", from.getWatchdog().getUnclaimed());
        return to;
    }

    private static void put(Map<String, String> to, String property, @Nullable Object value) {
        if (value instanceof Duration duration) {
            to.put(property, Long.toString(duration.toMillis()));
        } else if (value instanceof Enum<?> choice) {
            to.put(property, choice.name().toLowerCase(Locale.ROOT));
        } else if (value != null) {
            to.put(property, value.toString());
        }
    }
}
