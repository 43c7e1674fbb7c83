package asyncio.kotlin

import asyncio.Asyncio
import asyncio.EventLoop
import asyncio.testkit.VirtualTimeLoop
import kotlinx.coroutines.CompletableDeferred
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.CoroutineStart
import kotlinx.coroutines.TimeoutCancellationException
import kotlinx.coroutines.delay
import kotlinx.coroutines.launch
import kotlinx.coroutines.reactor.asCoroutineContext
import kotlinx.coroutines.runBlocking
import kotlinx.coroutines.withContext
import kotlinx.coroutines.withTimeout
import org.assertj.core.api.Assertions.assertThat
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.assertThrows
import reactor.util.context.Context
import java.time.Duration
import java.util.concurrent.CountDownLatch
import kotlin.time.Duration.Companion.hours
import kotlin.time.Duration.Companion.seconds

/** Coroutines that run on a loop. */
class LoopDispatcherTest {
    @Test
    fun aCoroutineTakesItsTurnsAmongTheCallbacks() {
        val loop = EventLoop.newEventLoop()
        val seen = ArrayList<String>()
        loop.callSoon { seen += "callback" }
        val coroutine =
            CoroutineScope(loop.asCoroutineDispatcher()).launch {
                seen += "coroutine on ${EventLoop.getRunningLoop().name}"
                loop.callSoon { seen += "callback of the coroutine" }
                kotlinx.coroutines.yield()
                seen += "coroutine again"
                loop.stop()
            }
        loop.runForever()
        loop.close()
        assertThat(coroutine.isCompleted).isTrue()
        assertThat(seen)
            .containsExactly("callback", "coroutine on ${loop.name}", "callback of the coroutine", "coroutine again")
    }

    @Test
    fun delaysAndTimeLimitsAreInTheLoopsTime() {
        VirtualTimeLoop.create().use { time ->
            time.run(
                coroutineMono {
                    delay(24.hours - 10.seconds)
                    assertThrows<TimeoutCancellationException> { withTimeout(5.seconds) { delay(1.hours) } }
                    withTimeout(1.hours) { delay(5.seconds) }
                },
            )
            assertThat(time.clock().now()).isEqualTo(Duration.ofDays(1))
        }
    }

    @Test
    fun aCoroutineSeesTheContextThatItCarries() {
        val loop = EventLoop.newEventLoop()
        var user: String? = null
        val context = Context.of("user", "ada").asCoroutineContext()
        CoroutineScope(loop.asCoroutineDispatcher() + context).launch {
            delay(1)
            user = Asyncio.currentContext().get("user")
            loop.stop()
        }
        loop.runForever()
        loop.close()
        assertThat(user).isEqualTo("ada")
    }

    @Test
    fun aCoroutineThatResumesAfterTheLoopIsClosedIsCancelledAndCleansUp() {
        val loop = EventLoop.newEventLoop()
        val begun = CompletableDeferred<Unit>()
        val cleanedUp = CountDownLatch(1)
        val coroutine =
            CoroutineScope(loop.asCoroutineDispatcher()).launch(start = CoroutineStart.UNDISPATCHED) {
                try {
                    begun.await()
                } finally {
                    cleanedUp.countDown()
                }
            }
        loop.close()
        begun.complete(Unit)
        runBlocking { coroutine.join() }
        assertThat(coroutine.isCancelled).isTrue()
        assertThat(cleanedUp.count).isZero()
    }

    @Test
    fun aChangeToTheDispatcherOfTheSameLoopTakesNoTurn() {
        VirtualTimeLoop.create().use { time ->
            time.run(
                coroutineMono {
                    var turn = false
                    time.loop().callSoon { turn = true }
                    withContext(time.loop().asCoroutineDispatcher()) { assertThat(turn).isFalse() }
                    assertThat(turn).isFalse()
                },
            )
        }
        val dispatcher = EventLoop.shared().next().asCoroutineDispatcher()
        assertThat(dispatcher).hasToString(dispatcher.toString()).isNotEqualTo(Any())
        assertThat(dispatcher.toString()).contains("asyncio-")
    }
}
