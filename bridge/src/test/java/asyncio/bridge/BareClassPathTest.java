package asyncio.bridge;

import static asyncio.Asyncio.async;
import static asyncio.Asyncio.await;
import static asyncio.Asyncio.createTask;
import static asyncio.Asyncio.toThread;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import asyncio.Asyncio;
import asyncio.EventLoop;
import asyncio.Future;
import asyncio.Task;
import asyncio.TaskGroup;
import asyncio.ThreadLocals;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledIfSystemProperty;
import reactor.core.publisher.Mono;
import reactor.util.context.Context;

/** Checks that the execution of the bridges' tests without context-propagation really lacks it. */
@EnabledIfSystemProperty(named = "asyncio.test.bare", matches = "true")
class BareClassPathTest {
    @Test
    void contextPropagationIsNotThere() {
        assertThatThrownBy(() -> Class.forName("io.micrometer.context.ContextSnapshotFactory"))
                .isInstanceOf(ClassNotFoundException.class);
        assertThat(ThreadLocals.restore(Context.of("user", "ann"))).isNull();
        assertThat(ThreadLocals.capture().isEmpty()).isTrue();
    }

    @Test
    void theKernelWorksWithoutIt() throws Exception {
        assertThat(Asyncio.run(async(() -> {
                            Future<String> done = new Future<>();
                            Future<Integer> future = new Future<>();
                            future.addDoneCallback(ended -> done.setResult("called"));
                            EventLoop.getRunningLoop().callSoon(() -> future.setResult(1));
                            assertThat(await(toThread(() -> 1))).isEqualTo(1);
                            Task<Integer> scope = createTask(TaskGroup.scope(group -> group.createTask(Mono.just(2))));
                            assertThat(await(scope)).isEqualTo(2);
                            return await(done);
                        })
                        .contextWrite(Context.of("user", "ann"))))
                .isEqualTo("called");
    }
}
