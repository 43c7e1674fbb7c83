package asyncio;

import static asyncio.Asyncio.async;
import static asyncio.Asyncio.await;
import static asyncio.Asyncio.createTask;
import static asyncio.Asyncio.gather;
import static asyncio.Asyncio.sleep;
import static asyncio.Asyncio.waitFor;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowable;

import java.time.Duration;
import java.util.List;
import java.util.Objects;
import java.util.function.Supplier;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import reactor.core.publisher.Mono;

/** A cancellation shows where it reached the awaiting body; the canceller is shown in debug mode. */
@Timeout(60)
class CancellationStackTest {
    private static Throwable awaitIt(Mono<?> mono) {
        return catchThrowable(() -> await(mono));
    }

    private static void cancelIt(Future<?> future) {
        assertThat(future.cancel("enough")).isTrue();
    }

    private static void assertMetAwait(Throwable e) {
        assertThat(e).isExactlyInstanceOf(CancelledException.class).hasMessage("enough");
        assertThat(e.getStackTrace()[0].getClassName()).isNotEqualTo(CancellationStackTest.class.getName());
        assertThat(e.getStackTrace())
                .anyMatch(frame -> frame.getMethodName().equals("awaitIt"))
                .noneMatch(frame -> frame.getMethodName().equals("cancelIt"));
    }

    @Test
    void theStackOfAnAwaitedFutureIsThatOfTheAwait() throws Exception {
        Asyncio.run(() -> {
            Future<Integer> future = new Future<>();
            Task<Throwable> direct = createTask(async(() -> awaitIt(future)));
            Task<Throwable> byAnOperator = createTask(async(() -> awaitIt(future.map(x -> x))));
            await(sleep(Duration.ZERO));
            cancelIt(future);
            assertMetAwait(await(direct));
            assertMetAwait(await(byAnOperator));
            assertMetAwait(awaitIt(future));
            assertThat(awaitIt(future)).as("each has one of their own").isNotSameAs(awaitIt(future));
        });
    }

    @Test
    void theStackOfACancelledTaskIsThatOfItsAwait() throws Exception {
        Asyncio.run(() -> {
            List<Supplier<Mono<?>>> awaited = List.of(
                    Future::new,
                    Mono::never,
                    () -> sleep(Duration.ofHours(1)),
                    () -> waitFor(Mono.never(), Duration.ofHours(1)),
                    () -> TaskGroup.scope(group -> Mono.never()),
                    () -> gather(Mono.never(), Mono.never()),
                    () -> createTask(Mono.never()));
            for (Supplier<Mono<?>> mono : awaited) {
                Task<Throwable> task = createTask(async(() -> awaitIt(mono.get())));
                await(sleep(Duration.ZERO));
                await(sleep(Duration.ZERO));
                cancelIt(task);
                assertMetAwait(await(task));
            }
        });
    }

    @Test
    void whatIsInAFutureHasNoStackAndLooksAsAlways() {
        Future<Integer> future = new Future<>();
        cancelIt(future);
        CancelledException kept = Objects.requireNonNull(future.cancellation());
        assertThat(kept.getStackTrace()).isEmpty();
        assertThat(kept).hasToString("asyncio.CancelledException: enough");
        for (Throwable asked : List.of(catchThrowable(future::result), catchThrowable(future::exception))) {
            assertThat(asked).isExactlyInstanceOf(CancelledException.class).hasMessage("enough");
            assertThat(asked.getStackTrace()).isNotEmpty();
        }
    }

    @Test
    void debugModeTellsWhoCancelled() throws Exception {
        Asyncio.run(
                () -> {
                    Future<Integer> future = new Future<>();
                    cancelIt(future);
                    assertThat(awaitIt(future).getStackTrace())
                            .anyMatch(frame -> frame.getMethodName().equals("cancelIt"));
                },
                true);
    }
}
