package asyncio.testkit;

import java.lang.annotation.Documented;
import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;
import org.junit.jupiter.api.TestTemplate;
import org.junit.jupiter.api.extension.ExtendWith;

/**
 * A test as {@link AsyncioTest}, in whose place it stands, that is repeated under different schedules: which of the
 * tasks that are ready has its turn first, for how many ticks another one is held back, and which of two timers that
 * are close comes first. What a program promises must not depend on that; a test that fails under one of them has found
 * a race.
 *
 * <pre>{@code
 * @Schedules(n = 200)
 * void noMoneyIsLost() throws Exception {
 *     await(all(transfer(a, b), transfer(b, a)));
 *     assertEquals(100, a.balance() + b.balance());
 * }
 * }</pre>
 *
 * <p>Callbacks, those who wait in line, the items of a queue and timers with equal deadlines keep their order, and no
 * timer is early. A hundred seeds find most races between two tasks; {@code docs/testing.md} says which, and with which
 * probability.
 *
 * <p>The same seed gives the same schedule, as long as the test has no other source of chance: sockets, other threads,
 * random numbers, the hash of an object. Seed 0 is the plain order. The first failure ends the repetitions; it names
 * its seed, with which {@code -Dasyncio.test.seed=SEED} runs that one schedule alone.
 *
 * <p>asyncio has none; compare trio's seeded scheduler and cats-effect's {@code TestControl}. The schedules are those
 * of S. Burckhardt, P. Kothari, M. Musuvathi, S. Nagarakatte: A Randomized Scheduler with Probabilistic Guarantees of
 * Finding Bugs, ASPLOS 2010.
 */
@SuppressWarnings("exports") // the provider is for JUnit, which looks it up
@Documented
@Target({ElementType.METHOD, ElementType.ANNOTATION_TYPE})
@Retention(RetentionPolicy.RUNTIME)
@TestTemplate
@ExtendWith({AsyncioExtension.class, ScheduleProvider.class})
public @interface Schedules {
    /** The number of schedules. */
    int n() default 100;

    /** The seed of the first; the next ones follow. Seed 0 is the plain order. */
    long seed() default 0;
}
