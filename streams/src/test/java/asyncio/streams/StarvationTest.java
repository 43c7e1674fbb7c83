package asyncio.streams;

import static asyncio.Asyncio.async;
import static asyncio.Asyncio.await;
import static asyncio.Asyncio.createTask;
import static asyncio.Asyncio.sleep;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import asyncio.Asyncio;
import asyncio.EventLoop;
import asyncio.Task;
import java.time.Duration;
import org.junit.jupiter.api.Test;

/** A loop that always has something ready still handles its IO and its timers. */
class StarvationTest {
    @Test
    void aCallbackThatReschedulesItselfStarvesNeitherTimersNorIo() throws Exception {
        Asyncio.run(() -> {
            EventLoop loop = EventLoop.getRunningLoop();
            boolean[] over = new boolean[1];
            Runnable[] self = new Runnable[1];
            self[0] = () -> {
                if (!over[0]) {
                    loop.callSoon(self[0]);
                }
            };
            loop.callSoon(self[0]);
            talk();
            over[0] = true;
        });
    }

    @Test
    void bodiesThatOnlyYieldStarveNeitherTimersNorIo() throws Exception {
        Asyncio.run(() -> {
            Task<Void> busy = createTask(async(() -> {
                while (true) {
                    await(sleep(Duration.ZERO));
                }
            }));
            talk();
            busy.cancel();
        });
    }

    private static void talk() throws Exception {
        try (Server server = await(Streams.startServerBody(
                connection -> {
                    byte[] line;
                    while ((line = await(connection.reader().readLine())) != null) {
                        connection.writer().write(line);
                    }
                    connection.close();
                },
                "127.0.0.1",
                0))) {
            try (StreamConnection connection = await(Streams.openConnection("127.0.0.1", server.port()))) {
                for (int i = 0; i < 20; i++) {
                    connection.writer().write("line " + i + "\n");
                    assertThat(await(connection.reader().readLine())).isEqualTo(("line " + i + "\n").getBytes(UTF_8));
                    await(sleep(Duration.ofMillis(1)));
                }
            }
        }
    }
}
