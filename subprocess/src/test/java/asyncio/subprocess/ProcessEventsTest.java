package asyncio.subprocess;

import static asyncio.Asyncio.await;
import static org.assertj.core.api.Assertions.assertThat;

import asyncio.Asyncio;
import java.nio.file.Path;
import java.util.List;
import jdk.jfr.Recording;
import jdk.jfr.consumer.RecordedEvent;
import jdk.jfr.consumer.RecordingFile;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Flight recordings of children, read back. */
@Timeout(60)
class ProcessEventsTest {
    @TempDir
    Path directory;

    private List<RecordedEvent> events(long pid, String name) throws Exception {
        return RecordingFile.readAllEvents(directory.resolve("recording.jfr")).stream()
                .filter(event ->
                        event.getEventType().getName().equals("asyncio." + name) && event.getLong("child") == pid)
                .toList();
    }

    @Test
    void startsEndsAndSignalsWithoutArgumentsOrEnvironment() throws Exception {
        long[] pids = new long[2];
        try (Recording recording = new Recording()) {
            recording.enable("asyncio.SubprocessStart");
            recording.enable("asyncio.SubprocessExit");
            recording.enable("asyncio.SignalSent");
            recording.start();
            Asyncio.run(() -> {
                Subprocess sleeping = await(Subprocess.start(
                        Command.of("sleep", "secret-3600").cwd(directory).stderr(Stdio.DEVNULL)));
                await(sleeping.waitFor());
                Subprocess killed =
                        await(Subprocess.start(Command.of("sleep", "3600").env("TOKEN", "secret-token")));
                pids[0] = sleeping.pid();
                pids[1] = killed.pid();
                await(killed.sendSignal("CONT"));
                killed.kill();
                await(killed.waitFor());
            });
            recording.stop();
            recording.dump(directory.resolve("recording.jfr"));
        }
        assertThat(events(pids[0], "SubprocessStart")).singleElement().satisfies(event -> {
            assertThat(event.getString("command")).isEqualTo("sleep");
            assertThat(event.getString("cwd")).isEqualTo(directory.toString());
        });
        assertThat(events(pids[0], "SubprocessExit")).singleElement().satisfies(event -> {
            assertThat(event.getInt("code")).isPositive();
            assertThat(event.getInt("signal")).isZero();
            assertThat(event.getDuration()).isPositive();
        });
        assertThat(events(pids[1], "SignalSent"))
                .extracting(event -> event.getString("signal"))
                .contains("CONT", "KILL");
        assertThat(events(pids[1], "SubprocessExit")).singleElement();
        for (String name : List.of("SubprocessStart", "SubprocessExit", "SignalSent")) {
            assertThat(events(pids[1], name).toString()).doesNotContain("secret");
        }
        assertThat(events(pids[0], "SubprocessStart").toString()).doesNotContain("secret");
    }
}
