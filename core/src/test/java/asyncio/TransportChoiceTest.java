package asyncio;

import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;

/** The names of transports that a builder refuses. */
class TransportChoiceTest {
    /** Netty has it for macOS and BSD; its classes need not be there. */
    @Test
    @EnabledOnOs({OS.LINUX, OS.WINDOWS})
    void kqueueIsRefusedWhereItIsNotThere() {
        EventLoopBuilder builder = EventLoop.builder().transport("kqueue");
        assertThatThrownBy(builder::build)
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("needs macOS or BSD and io.netty:netty-transport-native-kqueue")
                .cause()
                .isNotNull();
    }

    @Test
    void anUnknownNameIsRefused() {
        EventLoopBuilder builder = EventLoop.builder().transport("io_uring");
        assertThatThrownBy(builder::build)
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("auto, epoll, kqueue or nio, not io_uring");
    }
}
