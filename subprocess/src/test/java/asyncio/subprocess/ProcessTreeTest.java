package asyncio.subprocess;

import static asyncio.Asyncio.await;
import static asyncio.subprocess.Stdio.PIPE;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import asyncio.Asyncio;
import java.util.HashSet;
import java.util.Set;
import org.junit.jupiter.api.Test;

/** The descendants of a child, when there are many. */
class ProcessTreeTest {
    private static final int COUNT = 200;

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
}
