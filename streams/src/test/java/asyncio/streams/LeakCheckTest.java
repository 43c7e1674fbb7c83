package asyncio.streams;

import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.netty.buffer.ByteBufAllocator;
import org.junit.jupiter.api.Test;

@SuppressWarnings("NullAway")
class LeakCheckTest {
    @Test
    void aLostBufferIsFound() {
        LeakCheck check = new LeakCheck();
        assertThatThrownBy(() -> {
                    check.beforeAll(null);
                    ByteBufAllocator.DEFAULT.directBuffer(8);
                    check.afterAll(null);
                })
                .isInstanceOf(AssertionError.class)
                .hasMessageContaining("LEAK");
    }
}
