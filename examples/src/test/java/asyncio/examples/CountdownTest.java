package asyncio.examples;

import static asyncio.Asyncio.async;
import static asyncio.Asyncio.await;
import static asyncio.Asyncio.createTask;
import static asyncio.Asyncio.sleep;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import asyncio.Asyncio;
import asyncio.EventLoop;
import asyncio.Task;
import asyncio.testkit.AsyncioTest;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import reactor.core.Disposable;
import reactor.core.publisher.Mono;
import reactor.test.StepVerifier;

/** The primitive of docs/extending.md. */
@Timeout(60)
class CountdownTest {
    @AsyncioTest
    Mono<Void> bodiesResumeInOrderInTheNextTick() {
        return async(() -> {
            Countdown countdown = new Countdown(2);
            List<String> order = new ArrayList<>();
            List<Task<Void>> tasks = new ArrayList<>();
            for (String name : List.of("a", "b", "c")) {
                tasks.add(createTask(async(() -> {
                    await(countdown.await());
                    order.add(name);
                })));
            }
            await(sleep(Duration.ZERO));
            countdown.countDown();
            assertThat(countdown.count()).isEqualTo(1);
            await(sleep(Duration.ofSeconds(1)));
            assertThat(order).isEmpty();
            countdown.countDown();
            assertThat(order).as("not at once").isEmpty();
            for (Task<Void> task : tasks) {
                await(task);
            }
            assertThat(order).containsExactly("a", "b", "c");
            await(countdown.await());
        });
    }

    @AsyncioTest
    Mono<Void> aDeadlineIsInsideTheWaiter() {
        return async(() -> {
            Countdown countdown = new Countdown(1);
            assertThatThrownBy(() -> await(countdown.await(Duration.ofHours(1))))
                    .isInstanceOf(TimeoutException.class)
                    .hasMessageContaining("<Countdown [count:1]>");
            countdown.countDown();
            await(countdown.await(Duration.ofHours(1)));
        });
    }

    @Test
    void operatorsAndAnotherThread() {
        Countdown countdown = new Countdown(1);
        StepVerifier.create(countdown.await().thenReturn("go"))
                .expectSubscription()
                .then(() -> new Thread(countdown::countDown).start())
                .expectNext("go")
                .verifyComplete();
    }

    /** A subscriber that is disposed of while the count reaches zero: the others are told in any case. */
    @Test
    void cancelledAtAnyMoment() throws Exception {
        for (int i = 0; i < 2_000; i++) {
            Countdown countdown = new Countdown(1);
            AtomicInteger told = new AtomicInteger();
            Disposable leaving = countdown.await().subscribe();
            countdown.await().subscribe(null, null, told::incrementAndGet);
            CyclicBarrier begin = new CyclicBarrier(2);
            Thread other = new Thread(() -> {
                try {
                    begin.await();
                } catch (Exception e) {
                    throw new AssertionError(e);
                }
                leaving.dispose();
            });
            other.start();
            begin.await();
            countdown.countDown();
            other.join();
            assertThat(told).as("round " + i).hasValue(1);
        }
    }

    @Test
    void isInTheDumpOfTasks() throws Exception {
        Asyncio.run(() -> {
            Countdown countdown = new Countdown(1);
            Task<Void> waiting = createTask(async(() -> await(countdown.await())), "waiting");
            await(sleep(Duration.ZERO));
            assertThat(EventLoop.getRunningLoop().dumpTasks()).contains("waiting", "Countdown");
            countdown.countDown();
            await(waiting);
        });
    }

    @Test
    void aCountBelowZeroIsRefused() {
        assertThatThrownBy(() -> new Countdown(-1)).hasMessage("Cannot count down from -1: 0 at least");
    }

    @Test
    void thePageShowsThisClass() throws Exception {
        Path root = Path.of("..").toAbsolutePath().normalize();
        String source = Files.readString(root.resolve("examples/src/main/java/asyncio/examples/Countdown.java"));
        assertThat(Files.readString(root.resolve("docs/extending.md")))
                .contains(source.substring(source.indexOf("import ")).strip());
    }
}
