package asyncio.kotlin

import asyncio.Asyncio.async
import asyncio.Asyncio.await
import asyncio.Asyncio.createTask
import asyncio.Asyncio.shield
import asyncio.Asyncio.sleep
import asyncio.CancelledException
import asyncio.EventLoop
import asyncio.Future
import asyncio.Task
import asyncio.testkit.VirtualTimeLoop
import kotlinx.coroutines.CoroutineStart
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.async
import kotlinx.coroutines.cancelAndJoin
import kotlinx.coroutines.currentCoroutineContext
import kotlinx.coroutines.isActive
import kotlinx.coroutines.launch
import kotlinx.coroutines.reactor.awaitSingle
import kotlinx.coroutines.runBlocking
import kotlinx.coroutines.withTimeoutOrNull
import kotlinx.coroutines.yield
import org.assertj.core.api.Assertions.assertThat
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.assertThrows
import reactor.core.publisher.Mono
import java.io.IOException
import java.time.Duration
import java.util.concurrent.atomic.AtomicInteger
import kotlin.coroutines.cancellation.CancellationException
import kotlin.time.Duration.Companion.seconds

/** Futures and tasks awaited in coroutines. */
class AwaitTest {
    private val seen = ArrayList<String>()

    /** Runs a coroutine on a loop in virtual time. */
    private fun onLoop(block: suspend kotlinx.coroutines.CoroutineScope.() -> Unit) {
        VirtualTimeLoop.create().use { time -> time.run(coroutineMono(block)) }
    }

    /** A task that records its beginning and, some time after its cancellation, its end. */
    private fun slowToEnd(failure: Exception? = null): Task<Int> = createTask(
        asyncMono {
            seen += "begun"
            try {
                await(sleep(Duration.ofHours(1)))
            } finally {
                await(sleep(Duration.ofSeconds(5)))
                seen += "cleaned up"
                failure?.let { throw it }
            }
            1
        },
    )

    @Test
    fun aTaskGivesItsValueToACoroutineOfItsLoop() = onLoop {
        val task = createTask(asyncMono { await(sleep(Duration.ofSeconds(1), 20)) + 1 })
        assertThat(task.await() + task.await()).isEqualTo(42)
    }

    @Test
    fun aFutureOfALoopGivesItsValueToACoroutineElsewhere() = runBlocking<Unit>(Dispatchers.Default) {
        val future: Future<String> = EventLoop.shared().next().createFuture()
        val waiting = async(start = CoroutineStart.UNDISPATCHED) { future.await() }
        future.setResult("done")
        assertThat(waiting.await()).isEqualTo("done")
    }

    @Test
    fun anExceptionIsThrown() = onLoop {
        val task = createTask(Mono.error<Int>(IOException("no page")))
        assertThat(assertThrows<IOException> { task.await() }).hasMessage("no page")
    }

    @Test
    fun anEmptyOutcomeIsNullOrAnError() = onLoop {
        val empty: Future<String> = EventLoop.getRunningLoop().createFuture()
        empty.setResult(null)
        assertThat(empty.awaitOrNull()).isNull()
        assertThat(assertThrows<NoSuchElementException> { empty.await() }).hasMessageContaining("awaitOrNull()")
        val ended: Unit = createTask(sleep(Duration.ofSeconds(1))).await()
        assertThat(ended).isEqualTo(Unit)
    }

    @Test
    fun aCancelledFutureThrowsInACoroutineThatIsNotCancelled() = onLoop {
        val future: Future<String> = EventLoop.getRunningLoop().createFuture()
        future.cancel("not needed")
        assertThat(assertThrows<CancelledException> { future.await() }).hasMessage("not needed")
        assertThat(currentCoroutineContext().isActive).isTrue()
    }

    @Test
    fun aCancelledCoroutineCancelsTheTaskAndEndsAfterIt() = onLoop {
        val task = slowToEnd()
        val coroutine =
            launch {
                try {
                    task.await()
                } finally {
                    seen += "coroutine ends"
                }
            }
        yield()
        yield()
        coroutine.cancel(CancellationException("no time"))
        coroutine.join()
        assertThat(seen).containsExactly("begun", "cleaned up", "coroutine ends")
        assertThat(task.cancelled()).isTrue()
        assertThat(assertThrows<CancelledException> { task.result() }).hasMessage("no time")
    }

    @Test
    fun aFailureOfTheCleanUpIsSuppressedInTheCancellation() = onLoop {
        val task = slowToEnd(IOException("disk full"))
        var cancellation: Throwable? = null
        val coroutine =
            launch {
                try {
                    task.await()
                } catch (e: CancellationException) {
                    cancellation = e
                    throw e
                }
            }
        yield()
        yield()
        coroutine.cancelAndJoin()
        assertThat(cancellation!!.suppressed).singleElement().isInstanceOf(IOException::class.java)
    }

    @Test
    fun aTimeLimitOfKotlinCancelsTheTask() {
        VirtualTimeLoop.create().use { time ->
            time.run(
                coroutineMono {
                    val task = slowToEnd()
                    assertThat(withTimeoutOrNull(10.seconds) { task.await() }).isNull()
                    assertThat(task.cancelled()).isTrue()
                },
            )
            assertThat(time.clock().now()).isEqualTo(Duration.ofSeconds(15))
        }
    }

    @Test
    fun aShieldedTaskIsLeftAlone() = onLoop {
        val task = createTask(sleep(Duration.ofMinutes(1), 7))
        assertThat(withTimeoutOrNull(10.seconds) { shield(task).awaitSingle() }).isNull()
        assertThat(task.await()).isEqualTo(7)
    }

    @Test
    fun aResultAndACancellationAtOnceLeaveOneOutcome() = runBlocking<Unit>(Dispatchers.Default) {
        val values = AtomicInteger()
        val cancellations = AtomicInteger()
        repeat(ROUNDS) {
            val future: Future<Int> = EventLoop.shared().next().createFuture()
            val coroutine =
                launch(start = CoroutineStart.UNDISPATCHED) {
                    try {
                        values.addAndGet(future.await())
                    } catch (e: CancellationException) {
                        cancellations.incrementAndGet()
                        assertThat(future.done()).isTrue()
                        throw e
                    }
                }
            val result = launch { future.trySetResult(1) }
            coroutine.cancelAndJoin()
            result.join()
        }
        assertThat(values.get() + cancellations.get()).isEqualTo(ROUNDS)
    }

    private companion object {
        const val ROUNDS = 5_000
    }
}
