package asyncio.spring;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.Supplier;
import org.apache.commons.logging.Log;
import org.apache.commons.logging.impl.NoOpLog;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.springframework.boot.SpringApplication;
import org.springframework.boot.context.properties.bind.BindException;
import org.springframework.boot.logging.DeferredLogFactory;
import org.springframework.core.env.MapPropertySource;
import org.springframework.core.env.StandardEnvironment;

/** The system properties set from an application's properties. */
class AsyncioEnvironmentPostProcessorTest {
    private final Properties before = new Properties();
    private final List<String> warnings = new CopyOnWriteArrayList<>();

    @BeforeEach
    void keep() {
        before.putAll(System.getProperties());
        System.getProperties().keySet().removeIf(name -> name.toString().startsWith("asyncio."));
        AsyncioEnvironmentPostProcessor.forget();
    }

    @AfterEach
    void putBack() {
        System.setProperties(before);
        AsyncioEnvironmentPostProcessor.forget();
    }

    private void process(Map<String, Object> properties) {
        StandardEnvironment environment = new StandardEnvironment();
        environment.getPropertySources().addLast(new MapPropertySource("application", properties));
        Log log = new NoOpLog() {
            private static final long serialVersionUID = 1;

            @Override
            public void warn(Object message) {
                warnings.add(message.toString());
            }
        };
        DeferredLogFactory logs = (Supplier<Log> destination) -> log;
        new AsyncioEnvironmentPostProcessor(logs).postProcessEnvironment(environment, new SpringApplication());
    }

    @Test
    void eachHasItsSystemProperty() {
        process(Map.ofEntries(
                Map.entry("asyncio.loops.size", "3"),
                Map.entry("asyncio.loops.transport", "nio"),
                Map.entry("asyncio.bodies.kind", "${kind}"),
                Map.entry("kind", "platform"),
                Map.entry("asyncio.bodies.max", 77),
                Map.entry("asyncio.context-propagation", false), // YAML's off
                Map.entry("asyncio.debug.enabled", true),
                Map.entry("asyncio.debug.operators", "true"),
                Map.entry("asyncio.debug.slow-callback", "2s"),
                Map.entry("asyncio.jmx", "true"),
                Map.entry("asyncio.watchdog.step", "1500"),
                Map.entry("asyncio.watchdog.unclaimed", "150ms")));
        assertThat(System.getProperties())
                .containsEntry("asyncio.loops.size", "3")
                .containsEntry("asyncio.transport", "nio")
                .containsEntry("asyncio.bodies.kind", "platform")
                .containsEntry("asyncio.bodies.max", "77")
                .containsEntry("asyncio.context-propagation", "off")
                .containsEntry("asyncio.debug.enabled", "true")
                .containsEntry("asyncio.debug.operators", "true")
                .containsEntry("asyncio.debug.slow-callback", "2000")
                .containsEntry("asyncio.jmx", "true")
                .containsEntry("asyncio.watchdog.step", "1500")
                .containsEntry("asyncio.watchdog.unclaimed", "150");
        assertThat(warnings).isEmpty();
    }

    @Test
    void whatIsNotGivenIsLeftToTheLibrary() {
        process(Map.of("asyncio.netty.enabled", "false"));
        assertThat(System.getProperties().stringPropertyNames()).noneMatch(name -> name.startsWith("asyncio."));
    }

    @Test
    void aSystemPropertyOfTheCommandLineStays() {
        System.setProperty("asyncio.loops.size", "5");
        process(Map.of("asyncio.loops.size", "3"));
        assertThat(System.getProperty("asyncio.loops.size")).isEqualTo("5");
        assertThat(warnings).isEmpty();
    }

    @Test
    void aLaterContextThatAsksForSomethingElseIsWarnedOf() {
        process(Map.of("asyncio.loops.size", "3"));
        process(Map.of("asyncio.loops.size", "3"));
        assertThat(warnings).isEmpty();
        process(Map.of("asyncio.loops.size", "4"));
        assertThat(System.getProperty("asyncio.loops.size")).isEqualTo("3");
        assertThat(warnings).singleElement().asString().contains("asyncio.loops.size=4", "no effect", "set it to 3");
    }

    @Test
    void whatMakesNoSenseIsRefusedWithItsName() {
        assertThatThrownBy(() -> process(Map.of("asyncio.bodies.kind", "fibers")))
                .isInstanceOf(BindException.class)
                .hasMessageContaining("asyncio.bodies.kind");
    }
}
