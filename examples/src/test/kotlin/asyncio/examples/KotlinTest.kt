package asyncio.examples

import asyncio.Asyncio
import asyncio.Asyncio.async
import asyncio.Asyncio.await
import asyncio.Asyncio.createTask
import asyncio.Asyncio.sleep
import asyncio.Asyncio.toThread
import asyncio.Runner
import asyncio.TaskGroup
import asyncio.testkit.VirtualTimeLoop
import java.time.Duration
import java.util.concurrent.Callable
import org.assertj.core.api.Assertions.assertThat
import org.junit.jupiter.api.Test
import reactor.core.publisher.Mono

/** Kotlin lambdas: one that ends in a value returns that value to every function that takes it. */
class KotlinTest {
    @Test
    fun aLambdaThatEndsInAValueGivesIt() {
        val inferred = async { 42 }
        val declared: Mono<Int> = async { await(sleep(Duration.ofMillis(1))); 43 }
        val result: Int = Asyncio.run {
            val fromThread: Int = await(toThread { 44 })
            val fromTask: Int = await(createTask(async { 45 }))
            val fromGroup: Int = await(TaskGroup.scopeBody { group -> await(group.createTask(async { 46 })) })
            await(inferred) + await(declared) + fromThread + fromTask + fromGroup
        }
        assertThat(result).isEqualTo(42 + 43 + 44 + 45 + 46)
        Runner().use { runner -> assertThat(runner.run { "runner" }).isEqualTo("runner") }
        VirtualTimeLoop.create().use { loop -> assertThat(loop.run { "virtual" }).isEqualTo("virtual") }
        assertThat(Asyncio.run(Callable { "callable" })).isEqualTo("callable")
    }

    @Test
    fun aLambdaWithoutAValueRuns() {
        val seen = ArrayList<String>()
        Asyncio.run {
            await(async { seen.add("body"); Unit })
            await(toThread { seen.add("thread"); println() })
            seen += "end"
        }
        assertThat(seen).containsExactly("body", "thread", "end")
    }
}
