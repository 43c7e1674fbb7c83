package asyncio.examples;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import asyncio.internal.loop.BodyThreads;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import jdk.jfr.Recording;
import jdk.jfr.consumer.RecordedEvent;
import jdk.jfr.consumer.RecordingFile;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** A recording of the tour, in which each kind of event occurs that applies to it. */
@Timeout(300)
class TourRecordingTest {
    private static final int CLIENTS = 100;
    /** The kinds that come from time to time may miss a short tour, but not many. */
    private static final int MOST_TOURS = 30;

    private static final List<String> TOLD = List.of("TaskEnd", "Cancel", "Listen", "Connect", "Accept");
    private static final List<String> FROM_TIME_TO_TIME = List.of("LoopLag", "LoopStatistics", "TaskSnapshot");

    @TempDir
    Path directory;

    private Map<String, List<RecordedEvent>> record() throws Exception {
        Path text = Files.writeString(directory.resolve("text"), "a line\nand another one\n");
        Path file = directory.resolve("tour.jfr");
        try (Recording recording = new Recording()) {
            TOLD.forEach(name -> recording.enable("asyncio." + name).withoutThreshold());
            recording.enable("asyncio.LoopLag").withoutThreshold();
            recording.enable("asyncio.LoopStatistics").with("period", "20 ms");
            recording.enable("asyncio.TaskSnapshot").with("period", "20 ms");
            recording.start();
            Tour.main(new String[] {text.toString()});
            recording.stop();
            recording.dump(file);
        }
        return RecordingFile.readAllEvents(file).stream()
                .filter(event -> event.getEventType().getName().startsWith("asyncio."))
                .collect(Collectors.groupingBy(
                        event -> event.getEventType().getName().substring("asyncio.".length())));
    }

    @Test
    void eachKindOfEventThatAppliesOccurs() throws Exception {
        assumeTrue(
                BodyThreads.KIND != BodyThreads.Kind.CARRIER,
                "the recorder misses events where loops carry bodies, as docs/observing.md says");
        List<String> missing = new ArrayList<>(FROM_TIME_TO_TIME);
        for (int i = 0; i < MOST_TOURS && (i == 0 || !missing.isEmpty()); i++) {
            Map<String, List<RecordedEvent>> events = record();
            assertThat(events.keySet()).containsAll(TOLD);
            assertThat(events.get("Listen")).hasSize(1);
            assertThat(events.get("Connect"))
                    .hasSize(CLIENTS)
                    .allSatisfy(event -> assertThat(event.getString("outcome")).isEqualTo("done"));
            assertThat(events.get("Accept")).hasSize(CLIENTS);
            assertThat(events.get("Cancel")).isNotEmpty();
            Map<String, Long> outcomes = events.get("TaskEnd").stream()
                    .collect(Collectors.groupingBy(event -> event.getString("outcome"), Collectors.counting()));
            assertThat(outcomes.get("cancelled")).isPositive();
            assertThat(outcomes.get("result")).isGreaterThan(CLIENTS);
            assertThat(events.get("TaskEnd")).allSatisfy(event -> {
                assertThat(event.getInt("steps")).isPositive();
                assertThat(event.getDuration("runNanos")).isPositive();
            });
            missing.removeAll(events.keySet());
        }
        assertThat(missing).isEmpty();
    }
}
