package asyncio.kotlin

import asyncio.Asyncio
import asyncio.Asyncio.createTask
import asyncio.Asyncio.sleep
import asyncio.EventLoop
import asyncio.Task
import asyncio.TaskGroup
import asyncio.queue.Queue
import asyncio.sync.Lock
import asyncio.testkit.AsyncioTest
import asyncio.testkit.TestClock
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.Job
import kotlinx.coroutines.awaitCancellation
import kotlinx.coroutines.cancelAndJoin
import kotlinx.coroutines.channels.Channel.Factory.RENDEZVOUS
import kotlinx.coroutines.delay
import kotlinx.coroutines.flow.buffer
import kotlinx.coroutines.flow.take
import kotlinx.coroutines.flow.toList
import kotlinx.coroutines.isActive
import kotlinx.coroutines.launch
import kotlinx.coroutines.reactive.asFlow
import kotlinx.coroutines.reactor.awaitSingle
import kotlinx.coroutines.withTimeoutOrNull
import org.assertj.core.api.Assertions.assertThat
import org.junit.jupiter.api.Test
import reactor.core.publisher.Mono
import java.nio.file.Files
import java.nio.file.Path
import java.time.Duration
import kotlin.time.Duration.Companion.minutes
import kotlin.time.Duration.Companion.seconds

/** The code of the page about Kotlin, which runs, and is the same as in the page. */
class PageTest {
    class Page

    class Texts {
        fun find(id: String): Mono<String> = sleep(Duration.ofSeconds(1), "text $id")

        suspend fun page(): Page = awaitCancellation()
    }

    private val titles = Texts()
    private val texts = Texts()
    private val slow = Texts()
    private val lines = ArrayList<String>()

    private suspend fun append(line: String): Int {
        delay(1)
        lines += line
        return lines.size
    }

    suspend fun page(id: String): String {
        val title: Task<String> = createTask(titles.find(id))
        val text = texts.find(id).awaitSingle()
        return title.await() + ": " + text
    }

    fun pages(ids: List<String>): Mono<List<String>> = TaskGroup.scopeBody { group ->
        val tasks = ids.map { id -> group.createTask(coroutineMono { page(id) }) }
        tasks.map { Asyncio.await(it) }
    }

    suspend fun write(lock: Lock, line: String): Int = lock.withLock(coroutineMono { append(line) }).awaitSingle()

    fun watch(loop: EventLoop): Job = CoroutineScope(loop.asCoroutineDispatcher()).launch {
        while (isActive) {
            delay(1.seconds)
            println(loop.statistics())
        }
    }

    @AsyncioTest
    fun aPageIsGivenUpAfterAMinute(time: TestClock) {
        val page: Page? = Asyncio.await(coroutineMono { withTimeoutOrNull(1.minutes) { slow.page() } })
        assertThat(page).isNull()
        assertThat(time.now()).isEqualTo(Duration.ofMinutes(1))
    }

    suspend fun firstJobs(jobs: Queue<String>): List<String> = jobs
        .asFlux()
        .asFlow()
        .buffer(RENDEZVOUS)
        .take(2)
        .toList()

    @AsyncioTest
    fun pagesComeAtOnce(time: TestClock) {
        assertThat(Asyncio.await(pages(listOf("a", "b")))).containsExactly("text a: text a", "text b: text b")
        assertThat(time.now()).isEqualTo(Duration.ofSeconds(1))
    }

    @AsyncioTest
    fun theOthersRunToo() {
        val lock = Lock()
        assertThat(Asyncio.await(coroutineMono { write(lock, "a") + write(lock, "b") })).isEqualTo(3)
        val jobs = Queue.unbounded<String>()
        listOf("a", "b", "c").forEach { jobs.putNowait(it) }
        assertThat(Asyncio.await(coroutineMono { firstJobs(jobs) })).containsExactly("a", "b")
        val watching = watch(EventLoop.getRunningLoop())
        Asyncio.await(coroutineMono<Unit> { watching.cancelAndJoin() })
        assertThat(watching.isCancelled).isTrue()
    }

    @Test
    fun thePageHasThisCode() {
        val code = Files.readString(Path.of("src/test/kotlin/asyncio/kotlin/PageTest.kt")).replace(SPACE, "")
        val page = Files.readString(Path.of("../../docs/kotlin.md"))
        val blocks = BLOCK.findAll(page).map { it.groupValues[1] }.toList()
        assertThat(blocks).hasSizeGreaterThan(3).allSatisfy { assertThat(code).contains(it.replace(SPACE, "")) }
    }

    private companion object {
        val SPACE = Regex("\\s+")
        val BLOCK = Regex("```kotlin\n(.*?)```", RegexOption.DOT_MATCHES_ALL)
    }
}
