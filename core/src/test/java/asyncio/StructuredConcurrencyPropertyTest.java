package asyncio;

import static org.assertj.core.api.Assertions.assertThat;

import io.netty.util.concurrent.Ticker;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.zip.CRC32;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import reactor.core.publisher.Hooks;

/** Random programs of nested scopes: they lose no task, no error and no timer, and behave as in CPython. */
@Timeout(300)
class StructuredConcurrencyPropertyTest {
    private static final int PROGRAMS = 400;

    @ParameterizedTest(name = "{displayName} {0}")
    @ValueSource(strings = {"straight", "mixed"})
    @DisplayName("500 programs do at each time what CPython 3.13 did, with the same counts of cancellations")
    void asInCPython(String styles) throws Exception {
        for (String line : resource("scope-trees-" + styles + ".txt").split("\n")) {
            int seed = Integer.parseInt(line.split(" ")[0]);
            ScopeTrees.Tree tree = ScopeTrees.make(seed, 1_000_000, styles.equals("mixed"));
            ScopeTrees run = new ScopeTrees(tree, true, false);
            VirtualTime.run(() -> {
                EventLoop.getRunningLoop().setExceptionHandler((loop, context) -> {});
                run.run();
            });
            CRC32 crc = new CRC32();
            crc.update(run.what().getBytes(StandardCharsets.UTF_8));
            assertThat(String.format("%d %08x", seed, crc.getValue()))
                    .as("program %s did %s; scope_trees.py shows what CPython does", tree, run.what())
                    .isEqualTo(line);
        }
    }

    private static String resource(String name) throws IOException {
        try (InputStream in = StructuredConcurrencyPropertyTest.class.getResourceAsStream(name)) {
            return new String(Objects.requireNonNull(in, name).readAllBytes(), StandardCharsets.UTF_8);
        }
    }

    @Test
    @DisplayName("with everything at once, in any order and with eager tasks: no task, error, timer or report is left")
    void nothingIsLeft() throws Exception {
        long first = Long.getLong("asyncio.test.seed", System.nanoTime());
        int programs = Long.getLong("asyncio.test.seed") == null ? PROGRAMS : 1;
        for (long seed = first; seed < first + programs; seed++) {
            ScopeTrees.Tree tree = ScopeTrees.make(seed, 8, true);
            try {
                nothingIsLeft(tree, seed);
            } catch (Throwable e) {
                throw new AssertionError(
                        "-Dasyncio.test.seed=" + seed + " replays it: " + tree + " failed with " + e.getMessage(), e);
            }
        }
    }

    private static void nothingIsLeft(ScopeTrees.Tree tree, long seed) throws Exception {
        ScopeTrees run = new ScopeTrees(tree, false, seed % 2 == 0);
        List<Throwable> dropped = new CopyOnWriteArrayList<>();
        Hooks.onErrorDropped(dropped::add);
        try (Runner runner = Runner.builder()
                .loopFactory(() -> EventLoop.builder()
                        .clock(Ticker.newMockTicker())
                        .seed(seed)
                        .build())
                .build()) {
            runner.run(() -> {
                EventLoop loop = EventLoop.getRunningLoop();
                // receives the error of shielded work if the caller of the shield is gone
                loop.setExceptionHandler((here, context) -> run.found(Objects.requireNonNull(context.exception())));
                run.run();
                assertThat(loop.allTasks()).as("tasks left").containsExactly(Asyncio.currentTask());
                assertThat(loop.core.timerCount()).as("timers left").isZero();
            });
        } finally {
            Hooks.resetOnErrorDropped();
        }
        assertThat(run.complaints).isEmpty();
        assertThat(dropped).as("errors dropped").isEmpty();
        assertThat(run.missing).as("errors that nobody got").isEmpty();
    }
}
