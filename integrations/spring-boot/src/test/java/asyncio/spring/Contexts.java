package asyncio.spring;

import java.util.ArrayList;
import java.util.List;
import org.springframework.boot.SpringApplication;
import org.springframework.boot.WebApplicationType;
import org.springframework.boot.autoconfigure.EnableAutoConfiguration;
import org.springframework.boot.web.server.reactive.context.ReactiveWebServerApplicationContext;
import org.springframework.context.ConfigurableApplicationContext;

/** Applications for tests: the starter and the given classes, run by Boot. */
final class Contexts {
    private Contexts() {}

    @EnableAutoConfiguration
    static class Auto {}

    static ConfigurableApplicationContext run(WebApplicationType web, Class<?> type, String... properties) {
        return run(web, List.of(type), properties);
    }

    static ConfigurableApplicationContext run(WebApplicationType web, List<Class<?>> types, String... properties) {
        List<Class<?>> sources = new ArrayList<>(types);
        sources.add(Auto.class);
        SpringApplication application = new SpringApplication(sources.toArray(Class<?>[]::new));
        application.setWebApplicationType(web);
        application.setRegisterShutdownHook(false);
        List<String> arguments = new ArrayList<>(List.of("--server.port=0"));
        for (String property : properties) {
            arguments.add("--" + property);
        }
        return application.run(arguments.toArray(String[]::new));
    }

    static int port(ConfigurableApplicationContext context) {
        return ((ReactiveWebServerApplicationContext) context).getWebServer().getPort();
    }
}
