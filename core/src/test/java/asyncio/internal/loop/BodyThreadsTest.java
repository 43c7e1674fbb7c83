package asyncio.internal.loop;

import static asyncio.internal.loop.BodyThreads.Kind.CARRIER;
import static asyncio.internal.loop.BodyThreads.Kind.PLATFORM;
import static asyncio.internal.loop.BodyThreads.Kind.VIRTUAL;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.util.concurrent.Executor;
import org.junit.jupiter.api.Test;

class BodyThreadsTest {
    @Test
    void itSaysWhatWasChosenAndWhatWouldBeFaster() {
        assertThat(BodyThreads.choice(CARRIER, null))
                .isEqualTo("Bodies run on the threads of their loops (asyncio.bodies.kind=carrier)");
        assertThat(BodyThreads.choice(VIRTUAL, "--add-opens x"))
                .contains("JDK's scheduler")
                .contains("--add-opens x");
        assertThat(BodyThreads.choice(PLATFORM, "Java 24"))
                .contains("platform threads")
                .contains("Java 24");
    }

    @Test
    void whatIsMissingNamesTheVersionAndTheOption() {
        String missing = Carriers.missing();
        assumeTrue(missing != null);
        assertThat(missing).contains("--add-opens java.base/java.lang=ALL-UNNAMED");
        if (Runtime.version().feature() < 24) {
            assertThat(missing).contains("Java 24");
        }
        Executor none = task -> {};
        assertThatThrownBy(() -> Carriers.newThread(none, "name", () -> {}))
                .isInstanceOf(IllegalStateException.class)
                .hasMessageContaining(missing);
    }
}
