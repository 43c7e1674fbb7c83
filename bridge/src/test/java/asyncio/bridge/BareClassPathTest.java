package asyncio.bridge;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledIfSystemProperty;
import reactor.util.context.Context;

/** That the execution of the bridges' tests without context-propagation is one. */
@EnabledIfSystemProperty(named = "asyncio.test.bare", matches = "true")
class BareClassPathTest {
    @Test
    void contextPropagationIsNotThere() {
        assertThatThrownBy(() -> Class.forName("io.micrometer.context.ContextSnapshotFactory"))
                .isInstanceOf(ClassNotFoundException.class);
        assertThat(ThreadLocals.in(Context.of("user", "ann"))).isFalse();
        assertThat(ThreadLocals.capture().isEmpty()).isTrue();
    }
}
