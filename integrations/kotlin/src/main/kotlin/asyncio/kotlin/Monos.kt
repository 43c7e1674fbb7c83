package asyncio.kotlin

import asyncio.Asyncio
import asyncio.CancelledException
import asyncio.Cleanups
import asyncio.ColdMono
import asyncio.EventLoop
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.DelicateCoroutinesApi
import kotlinx.coroutines.ExperimentalCoroutinesApi
import kotlinx.coroutines.GlobalScope
import kotlinx.coroutines.async
import kotlinx.coroutines.reactor.asCoroutineContext
import reactor.core.CoreSubscriber
import reactor.core.publisher.Mono
import reactor.core.publisher.MonoSink
import java.util.concurrent.Callable
import java.util.concurrent.atomic.AtomicBoolean
import kotlin.coroutines.cancellation.CancellationException

/**
 * Returns straight-line code that may `Asyncio.await` as a Mono of its value: `Asyncio.async` for Kotlin. There a lambda
 * inside the parentheses, `async({ 42 })`, chooses the form without a value; here both forms keep it. Nothing happens
 * until subscription; cancelling cancels the body.
 *
 * ```
 * val answer: Mono<Int> = asyncMono { Asyncio.await(first) + Asyncio.await(second) }
 * ```
 *
 * @param body what to run; null completes the Mono empty
 * @since 0.1
 */
@Suppress("UNCHECKED_CAST") // a null is not a value there either: the Mono is empty
public fun <T : Any> asyncMono(body: () -> T?): Mono<T> = Asyncio.async(Callable(body as () -> T))

/**
 * Awaits a Mono that may be empty, in a body; null then. `Asyncio.await` promises Kotlin a value, so that an empty Mono
 * is a `NullPointerException` where the value is used.
 *
 * ```
 * val next: Item? = awaitOrNull(items.next())
 * ```
 *
 * @since 0.1
 */
public fun <T : Any> awaitOrNull(mono: Mono<T>): T? = Asyncio.await(mono)

/**
 * Returns a coroutine as a Mono of its value, for tasks, groups and everything else that takes Monos. Nothing happens
 * until subscription; then it runs on the running loop, or else on one of the shared ones, by its
 * [dispatcher][asCoroutineDispatcher], with the subscriber's context.
 *
 * **Cancelling** the subscription, or the task that awaits it, cancels the coroutine; the task ends when the coroutine
 * and its children have ended. A coroutine that cancels itself, or awaits what was cancelled, ends with a
 * `CancelledException`. What its `finally` blocks throw after a cancellation goes to Reactor's `onErrorDropped`.
 *
 * ```
 * val task: Task<Page> = Asyncio.createTask(coroutineMono { load(url) }, "load $url")
 * ```
 *
 * @param block what to run; null completes the Mono empty
 * @since 0.1
 */
public fun <T : Any> coroutineMono(block: suspend CoroutineScope.() -> T?): Mono<T> = CoroutineMono(block)

/** The class gives the name in reports of coroutines that were never awaited. */
private class CoroutineMono<T : Any>(private val block: suspend CoroutineScope.() -> T?) :
    ColdMono<T>(CoroutineMono::class.java) {
    override fun start(actual: CoreSubscriber<in T>) {
        val loop = EventLoop.runningOrShared()
        val work = Cleanups.work(actual)
        create<T> { sink -> launch(loop, work, sink) }.subscribe(actual)
    }

    @OptIn(DelicateCoroutinesApi::class, ExperimentalCoroutinesApi::class) // its scope is the subscription
    private fun launch(loop: EventLoop, work: Cleanups.Work?, sink: MonoSink<T>) {
        val context = loop.asCoroutineDispatcher() + sink.contextView().asCoroutineContext()
        val coroutine = GlobalScope.async(context, block = block)
        val unsubscribed = AtomicBoolean() // set before the coroutine can end because of it
        sink.onCancel {
            work?.cancelled()
            unsubscribed.set(true)
            coroutine.cancel()
        }
        coroutine.invokeOnCompletion { failure ->
            work?.over()
            when {
                failure == null -> sink.success(coroutine.getCompleted())
                failure !is CancellationException -> sink.error(failure)
                !unsubscribed.get() -> sink.error(failure as? CancelledException ?: cancelledBy(failure))
            }
        }
    }

    private fun cancelledBy(cause: CancellationException) = CancelledException(cause.message).apply { initCause(cause) }

    override fun toString(): String = "coroutineMono { }"
}
