package asyncio;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assumptions.assumeThat;

import org.junit.jupiter.api.Test;

class NoEpollTest {
    @Test
    void itNamesTheArtifactOfTheProcessor() {
        assertThat(NoEpoll.message("Linux", "aarch64", new UnsatisfiedLinkError("no such library")))
                .contains("io.netty:netty-transport-native-epoll")
                .contains("linux-aarch_64")
                .contains("no such library");
        assertThat(NoEpoll.message("Linux", "amd64", null)).contains("linux-x86_64");
        assertThat(NoEpoll.message("Linux", "riscv64", null)).contains("linux-riscv64");
    }

    @Test
    void itIsSilentWhereThereIsNoEpoll() {
        assertThat(NoEpoll.message("Mac OS X", "aarch64", null)).isNull();
        assertThat(NoEpoll.message("Windows 11", "amd64", null)).isNull();
    }

    /** A program of two loops on a processor for which there is no native library. */
    public static final class TwoLoops {
        private TwoLoops() {}

        public static void main(String[] args) {
            EventLoop.newEventLoop().close();
            EventLoop.newEventLoop().close();
            System.out.println("done");
        }
    }

    @Test
    void itIsSaidOnce() throws Exception {
        assumeThat(System.getProperty("os.name")).isEqualTo("Linux");
        // a newer JVM reads os.arch itself, and crashes if that is not the machine's
        assumeThat(Runtime.version().feature()).isLessThan(24);
        try (ChildJvm child = ChildJvm.of(TwoLoops.class)
                .options("-Dos.arch=aarch64", "-Dasyncio.transport=auto")
                .start()) {
            child.expectLine("done");
            child.expectExit(0);
            assertThat(String.join("\n", child.lines())).containsOnlyOnce("linux-aarch_64");
        }
    }
}
