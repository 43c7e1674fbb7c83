package asyncio;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** The fixture itself: the reaction of a plain JVM to signals. */
@Timeout(300)
class ChildJvmTest {
    static final class Waiting {
        public static void main(String[] arguments) throws Exception {
            Runtime.getRuntime().addShutdownHook(new Thread(() -> System.out.println("shutting down")));
            System.err.println("arguments " + String.join(",", arguments));
            System.out.println("ready");
            new CountDownLatch(1).await();
        }
    }

    @BeforeEach
    void signals() throws Exception {
        ChildJvm.assumeSignals();
    }

    @Test
    void aSignalEndsTheChild() throws Exception {
        try (ChildJvm child = ChildJvm.of(Waiting.class, "one", "two").start()) {
            child.expectLine("arguments one,two");
            child.expectLine("ready");
            child.signal("INT");
            child.expectExit(130);
            assertThat(child.lines()).containsExactly("arguments one,two", "ready", "shutting down");
        }
    }

    @Test
    void aChildThatIgnoresASignalGoesOn() throws Exception {
        try (ChildJvm child = ChildJvm.of(Waiting.class).ignoring("INT").start()) {
            child.expectLine("ready");
            child.signal("INT");
            child.signal("TERM");
            child.expectExit(143);
        }
    }

    @Test
    void whatIsNotAsExpectedIsToldWithAllThatTheChildSaid() throws Exception {
        try (ChildJvm child = ChildJvm.of(Waiting.class).options("-Dx=y").start()) {
            child.expectLine("ready");
            child.signal("TERM");
            assertThatThrownBy(() -> child.expectLine("something else"))
                    .isInstanceOf(AssertionError.class)
                    .hasMessageContaining("never said \"something else\"")
                    .hasMessageContaining("shutting down")
                    .hasMessageContaining("-Dx=y");
            assertThatThrownBy(() -> child.expectExit(0))
                    .isInstanceOf(AssertionError.class)
                    .hasMessageContaining("143 instead of 0");
            child.expectExit(143);
        }
    }

    @Test
    void closeKillsTheChild() throws Exception {
        ProcessHandle process;
        try (ChildJvm child = ChildJvm.of(Waiting.class).start()) {
            child.expectLine("ready");
            process = ProcessHandle.of(child.pid()).orElseThrow();
        }
        assertThat(process.isAlive()).isFalse();
    }
}
