package asyncio.spring;

import static asyncio.Asyncio.async;
import static asyncio.Asyncio.await;
import static asyncio.Asyncio.sleep;
import static org.assertj.core.api.Assertions.assertThat;
import static org.springframework.boot.WebApplicationType.NONE;

import asyncio.CancelledException;
import asyncio.EventLoop;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.springframework.context.ConfigurableApplicationContext;
import org.springframework.context.event.EventListener;
import org.springframework.scheduling.annotation.EnableScheduling;
import org.springframework.scheduling.annotation.Scheduled;
import reactor.core.publisher.Mono;

/** Spring's own annotations on methods that return bodies. */
@Timeout(60)
class PlainPiecesTest {
    record Ordered(String what) {}

    record Packed(String what) {}

    @EnableScheduling
    static class Pieces {
        final CountDownLatch ticks = new CountDownLatch(2);
        final CountDownLatch waiting = new CountDownLatch(1);
        final CompletableFuture<String> cancelled = new CompletableFuture<>();
        final CompletableFuture<String> packed = new CompletableFuture<>();
        private final AtomicInteger runs = new AtomicInteger();

        /** Runs on a loop; the third run waits until the end of the context cancels it. */
        @Scheduled(fixedRate = 10)
        Mono<Void> tick() {
            return async(() -> {
                EventLoop.getRunningLoop();
                ticks.countDown();
                if (runs.incrementAndGet() != 3) {
                    return;
                }
                try {
                    waiting.countDown();
                    await(sleep(Duration.ofHours(1)));
                } catch (CancelledException e) {
                    cancelled.complete("cancelled");
                    throw e;
                }
            });
        }

        @EventListener
        Mono<Packed> pack(Ordered ordered) {
            return async(() -> {
                await(sleep(Duration.ofMillis(1)));
                return new Packed(ordered.what());
            });
        }

        @EventListener
        void packed(Packed event) {
            packed.complete(event.what());
        }
    }

    @Test
    void scheduledMethodsAndListenersMayReturnBodies() throws Exception {
        ConfigurableApplicationContext context = Contexts.run(NONE, Pieces.class);
        Pieces pieces = context.getBean(Pieces.class);
        pieces.ticks.await();
        context.publishEvent(new Ordered("a book"));
        assertThat(pieces.packed)
                .as("what the body returns is published")
                .succeedsWithin(Duration.ofSeconds(20))
                .isEqualTo("a book");
        pieces.waiting.await();
        context.close();
        assertThat(pieces.cancelled).succeedsWithin(Duration.ofSeconds(20)).isEqualTo("cancelled");
    }
}
