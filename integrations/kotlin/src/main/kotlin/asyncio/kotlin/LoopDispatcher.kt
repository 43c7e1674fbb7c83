package asyncio.kotlin

import asyncio.EventLoop
import kotlinx.coroutines.CancellationException
import kotlinx.coroutines.CoroutineDispatcher
import kotlinx.coroutines.Delay
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.InternalCoroutinesApi
import kotlinx.coroutines.cancel
import kotlinx.coroutines.reactor.ReactorContext
import kotlinx.coroutines.reactor.asCoroutineDispatcher
import reactor.util.context.Context
import kotlin.coroutines.CoroutineContext

/**
 * Returns this loop as a dispatcher. A coroutine takes its turns among the loop's callbacks, in their order: it runs on
 * the loop's thread, shares state with the loop's tasks without locks, and must not block. `delay` and `withTimeout`
 * use the loop's clock, and so virtual time in tests.
 *
 * If the coroutine has a [ReactorContext], its turns have it as `Asyncio.currentContext()`, and the ThreadLocals that it
 * carries.
 *
 * Once the loop is closed, a coroutine that resumes is cancelled, and runs its `finally` blocks on [Dispatchers.IO]. As
 * `close()` drops the callbacks of the loop, end the coroutines before it: those of [coroutineMono] end with their
 * tasks, which `Asyncio.run` and `Runner` await.
 *
 * ```
 * CoroutineScope(loop.asCoroutineDispatcher()).launch {
 *     delay(1.seconds)
 *     println(Thread.currentThread().name)
 * }
 * ```
 *
 * @since 0.1
 */
public fun EventLoop.asCoroutineDispatcher(): CoroutineDispatcher = LoopDispatcher(this)

@OptIn(InternalCoroutinesApi::class) // to implement Delay, as the dispatchers of kotlinx-coroutines-reactor do
private class LoopDispatcher(private val loop: EventLoop) :
    CoroutineDispatcher(),
    Delay by loop.scheduler().asCoroutineDispatcher() {
    override fun dispatch(context: CoroutineContext, block: Runnable) {
        try {
            loop.callSoonThreadsafe(block, context[ReactorContext]?.context ?: Context.empty())
        } catch (e: IllegalStateException) {
            // dispatch must not fail, or the coroutine would never end
            context.cancel(CancellationException("$loop is closed: its coroutines cannot resume there", e))
            Dispatchers.IO.dispatch(context, block)
        }
    }

    override fun equals(other: Any?): Boolean = other is LoopDispatcher && other.loop === loop

    override fun hashCode(): Int = System.identityHashCode(loop)

    override fun toString(): String = "$loop.asCoroutineDispatcher()"
}
