package asyncio.testkit;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Locale;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * Each planted bug is found by one of a hundred seeds, and not by the plain order. {@link #main} prints the numbers.
 */
class PlantedBugsTest {
    private static final int SEEDS = 100;

    @ParameterizedTest
    @EnumSource
    @Timeout(120)
    void isFoundWithinAHundredSeeds(PlantedBugs bug) {
        assertThat(failure(bug, 0)).as("in the plain order").isNull();
        int seed = firstSeed(bug);
        assertThat(seed).as("the first seed that shows it").isBetween(1, SEEDS - 1);
        Throwable found = failure(bug, seed);
        assertThat(found).as("once more, with the same seed").isNotNull();
    }

    private static int firstSeed(PlantedBugs bug) {
        int seed = 0;
        while (seed < SEEDS && failure(bug, seed) == null) {
            seed++;
        }
        return seed;
    }

    private static @Nullable Throwable failure(PlantedBugs bug, long seed) {
        try (VirtualTimeLoop time = VirtualTimeLoop.builder().seed(seed).build()) {
            time.run(bug::run);
            return null;
        } catch (Throwable e) {
            return e;
        }
    }

    /**
     * Prints a table: the depth of each bug, the first seed that shows it, the number of seeds out of a hundred that
     * do.
     */
    public static void main(String[] args) {
        System.out.printf("%-42s %5s %10s %12s%n", "bug", "depth", "first seed", "of 100 seeds");
        int found = 0;
        for (PlantedBugs bug : PlantedBugs.values()) {
            int first = -1;
            int times = 0;
            for (int seed = 0; seed < SEEDS; seed++) {
                if (failure(bug, seed) != null) {
                    times++;
                    first = first < 0 ? seed : first;
                }
            }
            found += times > 0 ? 1 : 0;
            System.out.printf(
                    "%-42s %5d %10s %12d%n",
                    bug.name().toLowerCase(Locale.ROOT).replace('_', ' '),
                    bug.depth,
                    first < 0 ? "-" : String.valueOf(first),
                    times);
        }
        System.out.println(found + " of " + PlantedBugs.values().length + " found");
    }
}
