package asyncio.subprocess;

import static asyncio.Asyncio.await;
import static asyncio.Asyncio.sleep;
import static asyncio.Asyncio.waitFor;
import static asyncio.subprocess.Stdio.PIPE;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import asyncio.Asyncio;
import java.time.Duration;
import java.util.HashSet;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The descendants of a child, when there are many. */
class ProcessTreeTest {
    private static final int COUNT = 200;
    private static final int ROUNDS = Integer.getInteger("asyncio.test.rounds", 20);

    @Test
    void findsAllDescendantsAlsoOfThoseWhoseParentHasEnded() throws Exception {
        Asyncio.run(() -> {
            Command family = Command.shell("i=0; while [ $i -lt " + COUNT + " ]; do sleep 1000 & i=$((i+1)); done;"
                            + " (sleep 1000 & echo ready; wait) &"
                            + " read line; wait")
                    .stdin(PIPE)
                    .stdout(PIPE);
            Subprocess child = await(Subprocess.start(family));
            assertThat(new String(await(child.stdout().readLine()), UTF_8)).isEqualTo("ready\n");
            Set<ProcessHandle> tree = new HashSet<>();
            ProcessTree.addOffspring(tree, child.handle(), false);
            assertThat(tree).hasSize(COUNT + 2);
            child.kill();
            await(child.waitFor());
            ProcessTree.addOffspring(tree, child.handle(), false);
            assertThat(tree).hasSize(COUNT + 2);
            tree.forEach(ProcessHandle::destroyForcibly);
            await(child.closeAndWait());
        });
    }

    @Test
    void killTreeEndsAllOfThem() throws Exception {
        Asyncio.run(() -> {
            Command family = Command.shell(
                            "i=0; while [ $i -lt " + COUNT + " ]; do sleep 1000 & i=$((i+1)); done; echo ready; wait")
                    .stdout(PIPE);
            Subprocess child = await(Subprocess.start(family));
            await(child.stdout().readLine());
            Set<ProcessHandle> tree = ProcessTree.offspring(child.handle(), false);
            assertThat(tree).hasSize(COUNT);
            assertThat(await(child.killTree())).isEqualTo(-9);
            assertThat(tree).noneMatch(ProcessTree::isRunning);
        });
    }

    /** {@code -Dasyncio.test.rounds=2000} for a soak. */
    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    @Timeout(value = 20, unit = TimeUnit.MINUTES)
    void nothingIsLeftOfAShellThatIsKilledWhileItForks(boolean newSession) throws Exception {
        long seed = Long.getLong("asyncio.test.seed", System.nanoTime());
        Random random = new Random(seed);
        String mark = "1000." + ProcessHandle.current().pid() + "1";
        Command forks = Command.shell(
                        "i=0; while [ $i -lt " + COUNT + " ]; do sleep " + mark + " & i=$((i+1)); done; wait")
                .exitGrace(Duration.ZERO);
        Command command = newSession ? forks.newSession() : forks;
        Asyncio.run(() -> {
            for (int round = 0; round < ROUNDS; round++) {
                Duration some = Duration.ofNanos(random.nextInt(20_000_000));
                if (round % 2 == 0) {
                    Subprocess child = await(Subprocess.start(command));
                    await(sleep(some));
                    await(child.killTree());
                } else {
                    try {
                        await(waitFor(Subprocess.run(command), some));
                    } catch (TimeoutException e) {
                        // expected
                    }
                }
                List<ProcessHandle> left = ProcessHandle.allProcesses()
                        .filter(process -> Stream.of(process.info().arguments().orElse(new String[0]))
                                .anyMatch(word -> word.contains(mark)))
                        .filter(ProcessTree::isRunning)
                        .toList();
                left.forEach(ProcessHandle::destroyForcibly);
                assertThat(left).as("round %d, seed %d", round, seed).isEmpty();
            }
        });
    }
}
