package asyncio.spring;

import static asyncio.Asyncio.async;
import static asyncio.Asyncio.await;
import static asyncio.Asyncio.sleep;
import static org.assertj.core.api.Assertions.assertThat;

import asyncio.testkit.AsyncioTest;
import asyncio.testkit.TestClock;
import java.time.Duration;
import org.junit.jupiter.api.Test;
import org.springframework.beans.factory.annotation.Autowired;
import org.springframework.boot.test.context.SpringBootTest;
import org.springframework.boot.test.context.SpringBootTest.WebEnvironment;
import reactor.core.publisher.Mono;

/** Tests as bodies together with Spring's extension, in the JUnit version of Boot. */
@SpringBootTest(
        classes = {Contexts.Auto.class, TestkitTest.Greeter.class},
        webEnvironment = WebEnvironment.NONE)
class TestkitTest {
    static class Greeter {
        Mono<String> greet() {
            return async(() -> await(sleep(Duration.ofHours(1), "hello")));
        }
    }

    @Autowired
    private Greeter greeter;

    @AsyncioTest
    void aBodyWithTheContextsBeansInVirtualTime(TestClock clock) throws Exception {
        assertThat(await(greeter.greet())).isEqualTo("hello");
        assertThat(clock.now()).isEqualTo(Duration.ofHours(1));
    }

    @Test
    void aPlainTestOfTheSameContext() {
        assertThat(greeter).isNotNull();
    }
}
