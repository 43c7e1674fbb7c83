package asyncio.kotlin

import asyncio.Asyncio
import asyncio.Asyncio.generate
import asyncio.Asyncio.iterate
import asyncio.Asyncio.mapConcurrent
import asyncio.Asyncio.sleep
import asyncio.queue.Queue
import asyncio.testkit.VirtualTimeLoop
import kotlinx.coroutines.channels.Channel.Factory.RENDEZVOUS
import kotlinx.coroutines.delay
import kotlinx.coroutines.flow.buffer
import kotlinx.coroutines.flow.flow
import kotlinx.coroutines.flow.map
import kotlinx.coroutines.flow.take
import kotlinx.coroutines.flow.toList
import kotlinx.coroutines.reactive.asFlow
import kotlinx.coroutines.reactor.asFlux
import org.assertj.core.api.Assertions.assertThat
import org.junit.jupiter.api.Test
import reactor.core.publisher.Flux
import java.time.Duration
import kotlin.time.Duration.Companion.seconds

/** The library's Fluxes as flows, and flows as its sources: kotlinx-coroutines-reactor does both. */
class FlowTest {
    @Test
    fun aFluxIsAFlow() {
        VirtualTimeLoop.create().use { time ->
            time.run(
                coroutineMono {
                    val squares = mapConcurrent(Flux.range(1, 5), 2) { i -> sleep(Duration.ofSeconds(1), i * i) }
                    assertThat(squares.asFlow().map { it + 1 }.toList()).containsExactly(2, 5, 10, 17, 26)
                },
            )
            assertThat(time.clock().now()).isEqualTo(Duration.ofSeconds(3))
        }
    }

    @Test
    fun aFlowThatEndsEarlyLeavesTheRestInTheQueue() {
        VirtualTimeLoop.create().use { time ->
            time.run(
                coroutineMono {
                    val queue = Queue.unbounded<Int>()
                    (1..5).forEach { queue.putNowait(it) }
                    assertThat(
                        queue
                            .asFlux()
                            .asFlow()
                            .buffer(RENDEZVOUS)
                            .take(2)
                            .toList(),
                    ).containsExactly(1, 2)
                    assertThat(queue.size()).isEqualTo(3)
                },
            )
        }
    }

    @Test
    fun aGeneratorEndsWithItsFlow() {
        val seen = ArrayList<String>()
        VirtualTimeLoop.create().use { time ->
            time.run(
                coroutineMono {
                    val numbers =
                        generate<Int> { emitter ->
                            try {
                                var i = 0
                                while (true) {
                                    Asyncio.await(emitter.emit(i++))
                                }
                            } finally {
                                seen += "generator ended"
                            }
                        }
                    assertThat(
                        numbers
                            .asFlow()
                            .buffer(RENDEZVOUS)
                            .take(3)
                            .toList(),
                    ).containsExactly(0, 1, 2)
                },
            )
        }
        assertThat(seen).containsExactly("generator ended")
    }

    @Test
    fun aFlowIsASourceForBodies() {
        VirtualTimeLoop.create().use { time ->
            val numbers =
                flow {
                    repeat(3) {
                        delay(1.seconds)
                        emit(it)
                    }
                }
            val seen = ArrayList<Int>()
            time.run {
                iterate(numbers.asFlux(time.loop().asCoroutineDispatcher())).use { items ->
                    while (true) {
                        seen.add(awaitOrNull(items.next()) ?: break)
                    }
                }
            }
            assertThat(seen).containsExactly(0, 1, 2)
            assertThat(time.clock().now()).isEqualTo(Duration.ofSeconds(3))
        }
    }
}
