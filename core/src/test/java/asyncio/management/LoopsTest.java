package asyncio.management;

import static asyncio.Asyncio.async;
import static asyncio.Asyncio.await;
import static asyncio.Asyncio.createTask;
import static asyncio.Asyncio.gather;
import static asyncio.Asyncio.sleep;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import asyncio.Asyncio;
import asyncio.EventLoop;
import asyncio.Future;
import asyncio.Task;
import java.lang.management.ManagementFactory;
import java.time.Duration;
import java.util.Objects;
import javax.management.MBeanServer;
import javax.management.ObjectName;
import javax.management.openmbean.CompositeData;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class LoopsTest {
    private static String leaf(Future<String> gate) throws Exception {
        return await(gate);
    }

    private static TaskInfo info(String name, int lines) {
        return new Loops()
                .tasks(lines).stream()
                        .filter(task -> task.getName().equals(name))
                        .findFirst()
                        .orElseThrow();
    }

    @Test
    void aTaskTellsWhatItWaitsForAndWhoWaitsForIt() throws Exception {
        Asyncio.run(() -> {
            Future<String> gate = new Future<>();
            Task<String> fetch = createTask(async(() -> leaf(gate)), "fetch");
            Task<?> both = createTask(gather(fetch, gate), "both");
            Task<?> outer = createTask(async(() -> await(both)), "outer");
            for (int i = 0; i < 5; i++) {
                await(sleep(Duration.ZERO));
            }
            TaskInfo info = info("fetch", 1);
            assertThat(info.getLoop()).isEqualTo(EventLoop.getRunningLoop().getName());
            assertThat(info.getId()).isEqualTo(fetch.getId());
            assertThat(info.getState()).isEqualTo("waiting");
            assertThat(info.getWaitsFor()).startsWith("<Future pending");
            assertThat(info.getStack())
                    .hasSize(1)
                    .allMatch(line -> line.startsWith("asyncio.management.LoopsTest.leaf("));
            assertThat(info.getAwaiters()).containsExactly(both.getId());
            assertThat(fetch.awaitedBy()).containsExactly(both);
            assertThat(info("outer", 0).getStack()).isEmpty();
            assertThat(info("outer", 0).getWaitsFor()).isEqualTo("both");
            assertThat(info(Objects.requireNonNull(Asyncio.currentTask()).getName(), 0)
                            .getState())
                    .isEqualTo("ready");
            outer.cancel();
            assertThat(info("outer", 0).getState()).isEqualTo("cancelling");
            assertThatThrownBy(() -> new Loops().tasks(-1))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessageContaining("-1");
            assertThat(new Loops().dump()).contains("- outer");
            assertThat(gate.cancelled()).as("through all of them").isTrue();
        });
    }

    @Test
    void loopsAreThereUntilTheyAreClosed() {
        EventLoop loop = EventLoop.newEventLoop();
        assertThat(EventLoop.all()).contains(loop);
        assertThat(new Loops().getLoops()).anySatisfy(info -> {
            assertThat(info.getName()).isEqualTo(loop.getName());
            assertThat(info.isRunning()).isFalse();
            assertThat(info.getTasks()).isZero();
        });
        loop.close();
        assertThat(EventLoop.all()).doesNotContain(loop);
    }

    @Test
    void aServerOfMBeansMakesOneByItsName() throws Exception {
        MBeanServer server = ManagementFactory.getPlatformMBeanServer();
        ObjectName name = new ObjectName(Loops.NAME);
        assertThat(server.isRegistered(name))
                .as("nothing is registered unasked")
                .isFalse();
        server.createMBean(Loops.class.getName(), name);
        try {
            Loops.register(); // a second call does nothing
            EventLoop loop = EventLoop.newEventLoop();
            try {
                CompositeData[] loops = (CompositeData[]) server.getAttribute(name, "Loops");
                assertThat(loops)
                        .anySatisfy(data -> assertThat(data.get("name")).isEqualTo(loop.getName()));
                assertThat(server.invoke(name, "tasks", new Object[] {1}, new String[] {"int"}))
                        .isInstanceOf(CompositeData[].class);
            } finally {
                loop.close();
            }
        } finally {
            server.unregisterMBean(name);
        }
    }
}
