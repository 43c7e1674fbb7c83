package asyncio;

import static asyncio.Asyncio.race;
import static asyncio.Asyncio.sleep;
import static asyncio.Timeout.moveOn;
import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import reactor.core.publisher.Mono;

/** The maximum allocation of races, scopes and supervised tasks: a guard against growth. */
@Timeout(60)
class ScopeAllocationTest {
    private static final int N = 50_000;
    private static final Integer VALUE = 42;

    private static double perRepeat(Mono<?> mono) throws Exception {
        return Allocation.bytesPerOperation(N, () -> {
            Asyncio.run(mono.repeat(N - 1).then());
            return null;
        });
    }

    @Test
    void aRaceWonAtOnce() throws Exception {
        assertThat(perRepeat(race(Mono.fromCallable(() -> VALUE), Mono.never())))
                .isLessThan(1_900);
    }

    @Test
    void aRaceWithALoser() throws Exception {
        assertThat(perRepeat(race(sleep(Duration.ZERO, VALUE), Mono.never()))).isLessThan(2_100);
    }

    @Test
    void aHedgedRaceWonByTheFirst() throws Exception {
        List<Mono<Integer>> monos = List.of(sleep(Duration.ZERO, VALUE), Mono.never());
        assertThat(perRepeat(race(monos, Duration.ofHours(1)))).isLessThan(2_500);
    }

    @Test
    void aMoveOnThatIsInTime() throws Exception {
        assertThat(perRepeat(moveOn(Duration.ofHours(1), timeout -> sleep(Duration.ZERO, VALUE))))
                .isLessThan(780);
    }

    @Test
    void aCancelScope() throws Exception {
        assertThat(perRepeat(CancelScope.scope(scope -> sleep(Duration.ZERO, VALUE))))
                .isLessThan(720);
    }

    @Test
    void aCancelScopeThatIsCancelled() throws Exception {
        assertThat(perRepeat(CancelScope.scope(scope -> {
                    scope.cancel();
                    return sleep(Duration.ZERO, VALUE);
                })))
                .isLessThan(850);
    }

    @Test
    void aSupervisedTask() throws Exception {
        assertThat(perSupervised(Mono.fromCallable(() -> VALUE))).isLessThan(215);
    }

    @Test
    void aSupervisedTaskThatFails() throws Exception {
        assertThat(perSupervised(Mono.error(new IllegalStateException("expected"))))
                .isLessThan(490);
    }

    private static double perSupervised(Mono<Integer> mono) throws Exception {
        return Allocation.bytesPerOperation(N, () -> {
            int[] failures = new int[1];
            Asyncio.run(TaskGroup.supervise((task, error) -> failures[0]++, group -> {
                for (int i = 0; i < N; i++) {
                    group.createTask(mono);
                }
                return Mono.empty();
            }));
            return failures;
        });
    }
}
