package asyncio;

import static asyncio.Asyncio.async;
import static asyncio.Asyncio.await;
import static asyncio.Asyncio.sleep;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import reactor.core.publisher.Mono;

@Timeout(60)
class SharedLoopsTest {
    @AfterEach
    void shutdown() {
        EventLoop.shutdownShared(Duration.ofSeconds(10));
    }

    @Test
    void thereIsOneLoopAProcessorAndTheyTakeTurns() {
        SharedLoops shared = EventLoop.shared();
        assertThat(shared.size()).isEqualTo(Runtime.getRuntime().availableProcessors());
        assertThat(shared).allMatch(EventLoop::isRunning).hasSize(shared.size());
        EventLoop first = shared.next();
        for (int i = 1; i < shared.size(); i++) {
            assertThat(shared.next()).isNotSameAs(first);
        }
        assertThat(shared.next()).isSameAs(first);
    }

    @Test
    void shutdownCancelsJoinsAndCloses() throws Exception {
        SharedLoops before = EventLoop.shared();
        CountDownLatch waiting = new CountDownLatch(1);
        CompletableFuture<String> cleaned = new CompletableFuture<>();
        async(() -> {
                    try {
                        waiting.countDown();
                        await(sleep(Duration.ofHours(1)));
                    } finally {
                        await(sleep(Duration.ofMillis(5)));
                        cleaned.complete("cleaned up");
                    }
                })
                .subscribe(value -> {}, error -> {});
        waiting.await();
        assertThat(EventLoop.shutdownShared(Duration.ofSeconds(30))).isTrue();
        assertThat(cleaned).isCompletedWithValue("cleaned up");
        assertThat(before).allMatch(EventLoop::isClosed);
        assertThat(async(() -> 1).block()).as("a later use starts afresh").isEqualTo(1);
        assertThat(EventLoop.shared()).isNotSameAs(before);
    }

    @Test
    void anErrorOfOneTaskLeavesTheOthersTheirTimeToEnd() throws Exception {
        CountDownLatch waiting = new CountDownLatch(2);
        CompletableFuture<String> cleaned = new CompletableFuture<>();
        EventLoop loop = EventLoop.shared().next();
        loop.createTask(async(() -> {
            try {
                waiting.countDown();
                await(sleep(Duration.ofHours(1)));
            } catch (CancelledException e) {
                throw new NoClassDefFoundError("gone with its class loader");
            }
        }));
        loop.createTask(async(() -> {
            try {
                waiting.countDown();
                await(sleep(Duration.ofHours(1)));
            } finally {
                await(sleep(Duration.ofMillis(5)));
                cleaned.complete("cleaned up");
            }
        }));
        waiting.await();
        try (LogCapture log = new LogCapture()) {
            assertThat(EventLoop.shutdownShared(Duration.ofSeconds(30))).isTrue();
            assertThat(log.messages()).anyMatch(message -> message.startsWith("An error stopped shared loop"));
        }
        assertThat(cleaned).isCompletedWithValue("cleaned up");
    }

    @Test
    void shutdownDestroysWhatRefusesToEnd() throws Exception {
        CountDownLatch waiting = new CountDownLatch(1);
        Mono<Object> stubborn = async(() -> {
            for (int i = 0; ; i++) {
                try {
                    waiting.countDown();
                    await(sleep(Duration.ofHours(1)));
                } catch (CancelledException e) {
                    if (i > 10) {
                        return "gave in";
                    }
                }
            }
        });
        CompletableFuture<Object> outcome = stubborn.toFuture();
        waiting.await();
        try (LogCapture log = new LogCapture()) {
            assertThat(EventLoop.shutdownShared(Duration.ofMillis(50))).isFalse();
            assertThat(log.messages()).anyMatch(message -> message.startsWith("Task was destroyed but it is pending!"));
        }
        assertThat(outcome).isCompletedExceptionally();
    }

    @Test
    void anErrorOfACallbackDoesNotEndASharedLoop() throws Exception {
        EventLoop loop = EventLoop.shared().next();
        try (LogCapture log = new LogCapture()) {
            loop.callSoonThreadsafe(() -> {
                throw new AssertionError("fatal");
            });
            CompletableFuture<String> later = new CompletableFuture<>();
            loop.callSoonThreadsafe(() -> loop.callSoon(() -> later.complete("goes on")));
            assertThat(later.get()).isEqualTo("goes on");
            assertThat(log.records()).anyMatch(record -> record.getThrown() instanceof AssertionError);
        }
    }

    @Test
    void misuse() throws Exception {
        assertThatThrownBy(() -> EventLoop.shutdownShared(Duration.ofSeconds(-1)))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("negative")
                .hasMessageContaining("PT-1S");
        Asyncio.run(() -> {
            assertThatThrownBy(() -> EventLoop.shutdownShared(Duration.ZERO)).isInstanceOf(IllegalStateException.class);
        });
    }
}
