package asyncio.redis;

import static org.assertj.core.api.Assertions.assertThat;

import asyncio.redis.LockHistory.Hold;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;

/** The checker of histories finds what it should. */
class LockHistoryTest {
    private static final Duration LEASE = Duration.ofNanos(100);

    private static List<String> check(Hold... holds) {
        return LockHistory.violations(List.of(holds), LEASE);
    }

    @Test
    void oneAfterTheOtherIsRight() {
        assertThat(check(new Hold(1, 0, 10, 20), new Hold(2, 5, 25, 30), new Hold(3, 0, 31, 40)))
                .isEmpty();
    }

    @Test
    void twoAtOnceAreFoundUnlessTheLeaseIsOver() {
        assertThat(check(new Hold(1, 0, 10, 20), new Hold(2, 5, 15, 30)))
                .singleElement()
                .asString()
                .contains("two at once");
        assertThat(check(new Hold(1, 0, 10, 200), new Hold(2, 5, 99, 130))).hasSize(1);
        assertThat(check(new Hold(1, 0, 10, 200), new Hold(2, 5, 101, 130))).isEmpty();
        assertThat(check(new Hold(1, 0, 10, 90), new Hold(2, 20, 91, 92), new Hold(3, 30, 50, 50)))
                .as("one granted within an earlier one, and known for no time")
                .hasSize(1);
    }

    @Test
    void aProcessThatWasStoppedHearsOfItsPermitWhenAnotherHasOne() {
        assertThat(check(new Hold(2, 200, 205, 250), new Hold(1, 50, 210, 240))).isEmpty();
        assertThat(check(new Hold(2, 200, 205, 250), new Hold(1, 150, 210, 240)))
                .as("within the lease")
                .hasSize(1);
    }

    @Test
    void tokensThatDoNotGrowAreFound() {
        assertThat(check(new Hold(2, 0, 10, 20), new Hold(1, 25, 30, 40)))
                .singleElement()
                .asString()
                .contains("smaller token");
        assertThat(check(new Hold(1, 0, 10, 20), new Hold(1, 25, 30, 40)))
                .singleElement()
                .asString()
                .contains("one token twice");
    }
}
