package asyncio.spring;

import static org.assertj.core.api.Assertions.assertThat;
import static org.springframework.boot.WebApplicationType.REACTIVE;

import java.util.concurrent.RejectedExecutionException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.springframework.aot.hint.RuntimeHints;
import org.springframework.aot.hint.TypeReference;
import org.springframework.aot.hint.predicate.RuntimeHintsPredicates;
import org.springframework.boot.diagnostics.FailureAnalysis;
import org.springframework.boot.diagnostics.FailureAnalyzer;
import org.springframework.context.ConfigurableApplicationContext;
import org.springframework.core.io.support.SpringFactoriesLoader;
import org.springframework.web.reactive.function.client.WebClient;
import org.springframework.web.reactive.function.client.WebClientResponseException;

/** Failure analyses of errors at startup. */
@Timeout(60)
class DiagnosticsTest {
    private static FailureAnalysis analyze(Throwable failure) {
        return SpringFactoriesLoader.forDefaultResourceLocation(DiagnosticsTest.class.getClassLoader())
                .load(FailureAnalyzer.class, (type, name, error) -> {}) // some need a context
                .stream()
                .filter(analyzer -> analyzer.getClass().getPackageName().equals("asyncio.spring"))
                .map(analyzer -> analyzer.analyze(failure))
                .filter(analysis -> analysis != null)
                .findFirst()
                .orElse(null);
    }

    @Test
    void anOldNettyIsNamed() {
        FailureAnalysis analysis =
                analyze(new IllegalStateException(new NoClassDefFoundError("io/netty/channel/IoEventLoop")));
        assertThat(analysis.getDescription()).contains("too old", "io/netty/channel/IoEventLoop");
        assertThat(analysis.getAction()).contains("Netty 4.2");
        assertThat(analyze(new NoClassDefFoundError("com/acme/IoEventLoop"))).isNull();
    }

    @Test
    void bodiesWithoutThreadsAreExplained() {
        FailureAnalysis analysis = analyze(new IllegalStateException(new RejectedExecutionException(
                "No thread for the body of Task-1: the limit is asyncio.bodies.max=4096")));
        assertThat(analysis.getDescription()).contains("asyncio.bodies.max=4096");
        assertThat(analysis.getAction()).contains("Java 24", "asyncio.bodies.max");
        assertThat(analyze(new RejectedExecutionException("the pool of another")))
                .isNull();
    }

    @Test
    void aTransportThatIsNotThereIsExplained() {
        FailureAnalysis denied = analyze(new IllegalArgumentException(
                "Transport epoll is not available: it needs Linux", new IllegalCallerException("native access")));
        assertThat(denied.getDescription()).contains("native access");
        assertThat(denied.getAction()).contains("--enable-native-access=ALL-UNNAMED");
        FailureAnalysis missing = analyze(new IllegalArgumentException("Transport epoll is not available"));
        assertThat(missing.getAction()).contains("netty-transport-native-epoll");
        assertThat(analyze(new IllegalArgumentException("something else"))).isNull();
    }

    @Test
    void nativeImagesAreTold() throws Exception {
        RuntimeHints hints = new RuntimeHints();
        new AsyncioRuntimeHints().registerHints(hints, DiagnosticsTest.class.getClassLoader());
        assertThat(RuntimeHintsPredicates.reflection().onType(TypeReference.of("sun.misc.Signal")))
                .accepts(hints);
        assertThat(RuntimeHintsPredicates.proxies().forInterfaces(TypeReference.of("sun.misc.SignalHandler")))
                .accepts(hints);
        assertThat(RuntimeHintsPredicates.reflection().onType(TypeReference.of("java.lang.Thread$Builder$OfVirtual")))
                .accepts(hints);
        assertThat(RuntimeHintsPredicates.reflection().onFieldAccess(Thread.class, "threadLocals"))
                .accepts(hints);
        assertThat(RuntimeHintsPredicates.resource().forResource("META-INF/services/asyncio.EventLoopPolicy"))
                .accepts(hints);
    }

    @Test
    void withoutUnrestrictedAccessNothingIsCancelled() {
        try (ConfigurableApplicationContext context =
                Contexts.run(REACTIVE, Contexts.Auto.class, "management.endpoints.web.exposure.include=asyncio")) {
            WebClient client = WebClient.create("http://localhost:" + Contexts.port(context) + "/actuator");
            assertThat(client.get()
                            .uri("/asyncio")
                            .retrieve()
                            .bodyToMono(String.class)
                            .block())
                    .contains("\"loops\":[");
            assertThat(client.post()
                            .uri("/asyncio/some")
                            .retrieve()
                            .toBodilessEntity()
                            .map(response -> response.getStatusCode().value())
                            .onErrorResume(
                                    WebClientResponseException.class,
                                    refusal -> reactor.core.publisher.Mono.just(
                                            refusal.getStatusCode().value()))
                            .block())
                    .isIn(404, 405);
        }
    }
}
