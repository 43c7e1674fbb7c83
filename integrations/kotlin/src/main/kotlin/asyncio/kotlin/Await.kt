package asyncio.kotlin

import asyncio.Future
import kotlinx.coroutines.NonCancellable
import kotlinx.coroutines.currentCoroutineContext
import kotlinx.coroutines.job
import kotlinx.coroutines.reactor.awaitSingleOrNull
import kotlinx.coroutines.withContext
import kotlin.coroutines.cancellation.CancellationException

/**
 * Awaits the result of a Future or task in a coroutine, on any dispatcher.
 *
 * **Cancelling** works in both directions, as between asyncio's tasks. If the coroutine is cancelled, so is the Future,
 * and the coroutine resumes when that has ended: a task runs its clean-up first. To leave the Future alone, await
 * `Asyncio.shield(future)` with `awaitSingle`. If the Future is cancelled, this throws a `CancelledException`, which is a
 * `CancellationException`: it ends a coroutine as cancelled, unless it is caught.
 *
 * **Errors** are thrown unchanged; with assertions or kotlinx's debug mode on, kotlinx may throw a copy that has the
 * stack of this await. An exception with which a cancelled task ends is added to the `CancellationException` as
 * suppressed.
 *
 * ```
 * val user: Task<User> = Asyncio.createTask(users.find(id))
 * val found = user.await()
 * ```
 *
 * @throws NoSuchElementException if it ends without a value: see [awaitOrNull]
 * @since 0.1
 */
public suspend fun <T : Any> Future<T>.await(): T =
    awaitOrNull() ?: throw NoSuchElementException("$this ended without a value: use awaitOrNull() where it may")

/**
 * Awaits the end of a Future or task without a value, as [await] does.
 *
 * @since 0.1
 */
@JvmName("awaitVoid")
public suspend fun Future<Void>.await() {
    awaitOrNull()
}

/**
 * Awaits the result of a Future or task that may be empty, as [await] does; null then.
 *
 * @since 0.1
 */
public suspend fun <T : Any> Future<T>.awaitOrNull(): T? {
    try {
        return awaitSingleOrNull()
    } catch (e: CancellationException) {
        if (currentCoroutineContext().job.isCancelled && cancel(e.message)) {
            withContext(NonCancellable) { awaitEnd(e) }
        }
        throw e
    }
}

/** Awaits the end of a Future that was cancelled, and adds a failure to the cancellation. */
private suspend fun Future<*>.awaitEnd(cancellation: CancellationException) {
    try {
        awaitSingleOrNull()
    } catch (e: CancellationException) {
        // as requested
    } catch (e: Throwable) {
        cancellation.addSuppressed(e)
    }
}
