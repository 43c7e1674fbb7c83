package asyncio.streams;

import static asyncio.Asyncio.await;
import static asyncio.Asyncio.toThread;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import asyncio.Asyncio;
import asyncio.EventLoop;
import asyncio.streams.internal.PipeEnd;
import java.io.BufferedReader;
import java.io.FileInputStream;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.nio.file.Path;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * Transports over a terminal, made by {@code script} of util-linux, which types what it reads and says what it sees.
 */
@Timeout(60)
class TerminalTransportsTest extends ProtocolFixture {
    private static Process terminal() throws Exception {
        Process script = null;
        try {
            script = new ProcessBuilder("script", "-q", "-e", "-c", "stty raw -echo; tty; exec sleep 1000", "/dev/null")
                    .redirectErrorStream(true)
                    .start();
        } catch (IOException e) {
            // there is none
        }
        assumeTrue(script != null, "no script(1) of util-linux here, which makes a terminal");
        return script;
    }

    @Test
    @DisplayName("PIP-01, PIP-05, PIP-07: one terminal is read and written by two transports, until it is hung up")
    void oneTerminalIsReadAndWritten() throws Exception {
        Asyncio.run(() -> {
            EventLoop loop = EventLoop.getRunningLoop();
            assumeTrue(PipeEnd.hasEpoll(loop), "the loop is not on epoll");
            loop.setExceptionHandler((failing, what) -> reported.add(what));
            Process script = terminal();
            try (InputStream screen = script.getInputStream()) {
                Path device = Path.of(await(
                        toThread(() -> new BufferedReader(new InputStreamReader(screen, UTF_8), 1).readLine())));
                int reads = PipeTransportsTest.number(device, () -> new FileInputStream(device.toFile()));
                int writes = PipeTransportsTest.number(device, () -> new FileOutputStream(device.toFile()));
                Recorder reader = new Recorder();
                Recorder writer = new Recorder();
                await(Transports.connectReadPipe(() -> reader, reads));
                Transport transport =
                        await(Transports.connectWritePipe(() -> writer, writes)).transport();
                for (int i = 1; i <= 3; i++) {
                    script.getOutputStream().write("typed".getBytes(UTF_8));
                    script.getOutputStream().flush();
                    reader.notes.untilData(5 * i);
                    transport.write("shown".getBytes(UTF_8));
                    assertThat(await(toThread(() -> screen.readNBytes(5)))).isEqualTo("shown".getBytes(UTF_8));
                }
                transport.close();
                writer.notes.until("lost");
                assertThat(writer.notes.events).containsExactly("made", "lost");
                script.destroyForcibly(); // which hangs up
                reader.notes.until("lost");
                assertThat(reader.notes.data).hasToString("typedtypedtyped");
                assertThat(reader.notes.events).startsWith("made", "data").endsWith("lost");
                assertThat(messages()).isEmpty();
            } finally {
                script.descendants().forEach(ProcessHandle::destroyForcibly);
                script.destroyForcibly().waitFor();
            }
        });
    }
}
