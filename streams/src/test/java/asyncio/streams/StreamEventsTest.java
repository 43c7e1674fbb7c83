package asyncio.streams;

import static asyncio.Asyncio.await;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import asyncio.Asyncio;
import asyncio.Body;
import java.net.InetSocketAddress;
import java.nio.file.Path;
import java.util.List;
import jdk.jfr.Recording;
import jdk.jfr.consumer.RecordedEvent;
import jdk.jfr.consumer.RecordingFile;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Flight recordings of connections, read back. */
@Timeout(60)
class StreamEventsTest {
    private static final String HOST = "127.0.0.1";
    private static final String[] ALL = {"Connect", "Accept", "TlsHandshake", "Listen", "NameLookup"};

    @TempDir
    Path directory;

    private List<RecordedEvent> record(Body body) throws Exception {
        Path file = directory.resolve("recording.jfr");
        try (Recording recording = new Recording()) {
            for (String name : ALL) {
                recording.enable("asyncio." + name).withoutThreshold();
            }
            recording.start();
            Asyncio.run(body);
            recording.stop();
            recording.dump(file);
        }
        return RecordingFile.readAllEvents(file);
    }

    private static List<RecordedEvent> named(String name, List<RecordedEvent> events) {
        return events.stream()
                .filter(event -> event.getEventType().getName().equals("asyncio." + name))
                .toList();
    }

    private static void hangUp(StreamConnection connection) throws Exception {
        connection.writer().close();
        await(connection.writer().waitClosed());
    }

    @Test
    void aConnectionOverTlsLeavesOneEventOfEachKindAtEachEnd() throws Exception {
        int[] port = {0};
        List<RecordedEvent> events = record(() -> {
            Server server =
                    await(Streams.startServerBody(StreamEventsTest::hangUp, HOST, 0, TestCertificates.server()));
            port[0] = server.port();
            StreamConnection connection = await(Streams.openConnection(HOST, server.port(), TestCertificates.client()));
            assertThat(await(connection.reader().read(100))).isNull();
            hangUp(connection);
            server.close();
            await(server.waitClosed());
        });
        assertThat(named("Listen", events)).singleElement().satisfies(event -> {
            assertThat(event.getString("address")).endsWith(":" + port[0]);
            assertThat(event.getInt("backlog")).isPositive();
        });
        assertThat(named("Connect", events)).singleElement().satisfies(event -> {
            assertThat(event.getString("address")).endsWith(":" + port[0]);
            assertThat(event.getString("outcome")).isEqualTo("done");
            assertThat(event.getDuration()).isPositive();
        });
        assertThat(named("Accept", events)).singleElement().satisfies(event -> {
            assertThat(event.getString("address")).contains(HOST);
            assertThat(event.getString("outcome")).isEqualTo("done");
        });
        assertThat(named("TlsHandshake", events)).hasSize(2).allSatisfy(event -> {
            assertThat(event.getString("protocol")).startsWith("TLSv1.");
            assertThat(event.getString("cipher")).startsWith("TLS_");
            assertThat(event.getString("outcome")).isEqualTo("done");
        });
    }

    @Test
    void whatFailsIsRecordedWithItsReason() throws Exception {
        List<RecordedEvent> events = record(() -> {
            Server closed = await(Streams.startServerBody(StreamEventsTest::hangUp, HOST, 0));
            int port = closed.port();
            closed.close();
            await(closed.waitClosed());
            assertThatThrownBy(() -> await(Streams.openConnection(HOST, port))).isNotNull();
            Server server =
                    await(Streams.startServerBody(StreamEventsTest::hangUp, HOST, 0, TestCertificates.server()));
            StreamConnection plain = await(Streams.openConnection(HOST, server.port()));
            plain.writer().write("no TLS\r\n\r\n\r\n");
            await(plain.writer().drain());
            assertThatThrownBy(() -> {
                        while (await(plain.reader().read(100)) != null) {
                            // an alert
                        }
                        throw new AssertionError("the end");
                    })
                    .isNotNull();
            hangUp(plain);
            server.close();
            await(server.waitClosed());
        });
        assertThat(named("Connect", events))
                .extracting(event -> event.getString("outcome"))
                .hasSize(2)
                .contains("done")
                .anySatisfy(outcome -> assertThat(outcome).contains("refused"));
        assertThat(named("TlsHandshake", events)).singleElement().satisfies(event -> {
            assertThat(event.getString("outcome")).isNotEqualTo("done");
            assertThat(event.getString("protocol")).isNull();
        });
        assertThat(named("Accept", events))
                .singleElement()
                .satisfies(event -> assertThat(event.getString("outcome")).isNotEqualTo("done"));
    }

    @Test
    void lookupsOfNamesAndAddresses() throws Exception {
        List<RecordedEvent> events = record(() -> {
            await(Names.getAddrInfo("localhost", 80));
            await(Names.getAddrInfo("192.0.2.1", 80)); // nothing is looked up
            assertThatThrownBy(() -> await(Names.getAddrInfo("no such name.invalid", 80)))
                    .isInstanceOf(java.net.UnknownHostException.class);
            await(Names.getNameInfo(new InetSocketAddress(HOST, 80), false));
        });
        assertThat(named("NameLookup", events))
                .extracting(event -> event.getString("host"))
                .hasSize(3)
                .contains("localhost", "no such name.invalid");
        assertThat(named("NameLookup", events))
                .filteredOn(event -> "localhost".equals(event.getString("host")))
                .anySatisfy(event -> assertThat(event.getString("addresses")).contains(HOST));
        assertThat(named("NameLookup", events))
                .filteredOn(event -> event.getString("host").endsWith("invalid"))
                .singleElement()
                .satisfies(event -> assertThat(event.getString("outcome")).contains("UnknownHostException"));
    }
}
