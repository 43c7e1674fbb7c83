package asyncio;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledForJreRange;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.JRE;
import org.junit.jupiter.api.condition.OS;

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

    // a newer JVM reads os.arch itself, and crashes if that is not the machine's
    @Test
    @EnabledOnOs(OS.LINUX)
    @EnabledForJreRange(max = JRE.JAVA_23)
    void itIsSaidOnce() throws Exception {
        try (ChildJvm child = ChildJvm.of(TwoLoops.class)
                .options("-Dos.arch=aarch64", "-Dasyncio.transport=auto")
                .start()) {
            child.expectLine("done");
            child.expectExit(0);
            assertThat(String.join("\n", child.lines())).containsOnlyOnce("linux-aarch_64");
        }
    }
}
