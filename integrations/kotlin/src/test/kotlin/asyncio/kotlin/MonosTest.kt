package asyncio.kotlin

import asyncio.Asyncio
import asyncio.Asyncio.await
import asyncio.Asyncio.createTask
import asyncio.Asyncio.sleep
import asyncio.Asyncio.waitFor
import asyncio.CancelledException
import asyncio.EventLoop
import asyncio.ExceptionGroup
import asyncio.Future
import asyncio.TaskGroup
import asyncio.Tck
import asyncio.TimedOutException
import asyncio.sync.Lock
import asyncio.testkit.VirtualTimeLoop
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.NonCancellable
import kotlinx.coroutines.awaitCancellation
import kotlinx.coroutines.cancel
import kotlinx.coroutines.delay
import kotlinx.coroutines.launch
import kotlinx.coroutines.reactor.ReactorContext
import kotlinx.coroutines.reactor.awaitSingleOrNull
import kotlinx.coroutines.withContext
import org.assertj.core.api.Assertions.assertThat
import org.junit.jupiter.api.DynamicTest
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.TestFactory
import org.junit.jupiter.api.assertThrows
import reactor.core.publisher.Mono
import reactor.test.StepVerifier
import reactor.util.context.Context
import java.io.IOException
import java.time.Duration
import java.util.concurrent.CountDownLatch
import java.util.concurrent.TimeUnit
import java.util.stream.Stream
import kotlin.time.Duration.Companion.hours
import kotlin.time.Duration.Companion.seconds

/** Bodies and coroutines as Monos. */
class MonosTest {
    private val seen = ArrayList<String>()

    /** A coroutine that takes five seconds to end. */
    private fun slowToEnd(): Mono<Int> = coroutineMono {
        seen += "begun"
        try {
            awaitCancellation()
        } finally {
            withContext(NonCancellable) { delay(5.seconds) }
            seen += "cleaned up"
        }
    }

    @Test
    fun aBodyKeepsItsValueInEachForm() {
        val trailing: Mono<Int> = asyncMono { 42 }
        val inParentheses: Mono<Int> = asyncMono({ 43 })
        val named: Mono<Int> = asyncMono(::fortyFour)
        val empty: Mono<Int> = asyncMono { null }
        val sum = Asyncio.run { await(trailing) + await(inParentheses) + await(named) }
        assertThat(sum).isEqualTo(42 + 43 + 44)
        Asyncio.run { assertThat(awaitOrNull(empty)).isNull() }
    }

    private fun fortyFour() = 44

    @Test
    fun aCoroutineRunsForEachSubscriptionOnTheRunningLoop() {
        var runs = 0
        val mono =
            coroutineMono {
                delay(1)
                runs++
                "run $runs on ${EventLoop.getRunningLoop().name}"
            }
        assertThat(runs).isZero()
        Asyncio.run {
            val loop = EventLoop.getRunningLoop().name
            assertThat(await(mono)).isEqualTo("run 1 on $loop")
            assertThat(await(createTask(mono))).isEqualTo("run 2 on $loop")
        }
        assertThat(mono.block()).startsWith("run 3 on asyncio-")
    }

    @Test
    fun noValueIsEmptyAndAFailureIsPassedOn() {
        StepVerifier.create(coroutineMono<String> { null }).verifyComplete()
        StepVerifier
            .create(coroutineMono<String> { throw IOException("no page") })
            .verifyErrorMatches { it is IOException && it.message == "no page" }
    }

    @Test
    fun aCoroutineSeesTheSubscribersContext() {
        val mono =
            coroutineMono {
                val own: String = coroutineContext[ReactorContext]!!.context["user"]
                own + Mono.deferContextual { Mono.just(it.get<String>("user")) }.awaitSingleOrNull() +
                    Asyncio.currentContext().get("user")
            }
        StepVerifier.create(mono.contextWrite(Context.of("user", "ada"))).expectNext("adaadaada").verifyComplete()
    }

    @Test
    fun aCancelledTaskEndsAfterItsCoroutine() {
        VirtualTimeLoop.create().use { time ->
            time.run {
                val task = createTask(slowToEnd())
                await(sleep(Duration.ofSeconds(1)))
                task.cancel()
                assertThrows<CancelledException> { await(task) }
                seen += "task ended"
            }
            assertThat(seen).containsExactly("begun", "cleaned up", "task ended")
            assertThat(time.clock().now()).isEqualTo(Duration.ofSeconds(6))
        }
    }

    @Test
    fun aTimeLimitAndAGroupWaitForTheCoroutine() {
        VirtualTimeLoop.create().use { time ->
            time.run {
                assertThrows<TimedOutException> { await(waitFor(slowToEnd(), Duration.ofSeconds(1))) }
                assertThat(seen).containsExactly("begun", "cleaned up")
                assertThrows<ExceptionGroup> {
                    await(
                        TaskGroup.scopeBody { group ->
                            group.createTask(slowToEnd())
                            await(sleep(Duration.ofSeconds(1)))
                            throw IOException("stop")
                        },
                    )
                }
            }
            assertThat(seen).containsExactly("begun", "cleaned up", "begun", "cleaned up")
            assertThat(time.clock().now()).isEqualTo(Duration.ofSeconds(12))
        }
    }

    @Test
    fun childrenOfTheCoroutineEndWithIt() {
        VirtualTimeLoop.create().use { time ->
            time.run {
                val task =
                    createTask(
                        coroutineMono<Int> {
                            launch { slowToEnd().awaitSingleOrNull() }
                            delay(1.hours)
                            1
                        },
                    )
                await(sleep(Duration.ofSeconds(1)))
                task.cancel()
                assertThrows<CancelledException> { await(task) }
                assertThat(seen).containsExactly("begun", "cleaned up")
            }
        }
    }

    @Test
    fun aCoroutineThatIsCancelledFromInsideEndsCancelled() {
        Asyncio.run {
            val cancelled =
                createTask(
                    coroutineMono<Int> {
                        cancel("changed its mind")
                        awaitCancellation()
                    },
                )
            assertThat(assertThrows<CancelledException> { await(cancelled) }).hasMessage("changed its mind")
            val future: Future<Int> = EventLoop.getRunningLoop().createFuture()
            future.cancel("gone")
            assertThat(assertThrows<CancelledException> { await(coroutineMono { future.await() }) }).hasMessage("gone")
        }
    }

    @Test
    fun aCoroutineThatIsCancelledBeforeItsFirstTurnNeverRuns() {
        Asyncio.run {
            val mono = coroutineMono { seen += "begun" }
            val subscription = mono.subscribe()
            subscription.dispose()
            await(sleep(Duration.ofMillis(1)))
            assertThat(seen).isEmpty()
        }
    }

    @Test
    fun aLockIsHeldDuringACoroutineAndReleasedAfterItsCleanUp() {
        VirtualTimeLoop.create().use { time ->
            time.run {
                val lock = Lock()
                val holder = createTask(lock.withLock(slowToEnd()))
                await(sleep(Duration.ofSeconds(1)))
                assertThat(lock.locked()).isTrue()
                holder.cancel()
                await(lock.withLock(Mono.fromRunnable<Void> { seen += "next" }))
                assertThat(seen).containsExactly("begun", "cleaned up", "next")
            }
        }
    }

    @Test
    fun aCoroutineThatChangesItsThreadCompletesItsTask() {
        val inside = CountDownLatch(1)
        val result =
            Asyncio.run {
                val task =
                    createTask(
                        coroutineMono {
                            withContext(Dispatchers.IO) {
                                assertThat(inside.await(10, TimeUnit.SECONDS)).isTrue()
                                EventLoop.runningOrNull() == null
                            }
                        },
                    )
                inside.countDown()
                await(task)
            }
        assertThat(result).isTrue()
    }

    @TestFactory
    fun itFollowsTheRulesOfReactiveStreams(): Stream<DynamicTest> = Tck.of("coroutineMono") {
        coroutineMono {
            delay(1)
            1
        }
    }
}
