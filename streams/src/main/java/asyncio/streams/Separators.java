package asyncio.streams;

import java.util.Arrays;
import java.util.Comparator;

/** The separators of a {@link StreamReader#readUntil}: one or several byte sequences, the shortest first. */
final class Separators {
    private final byte[][] shortestFirst;

    /** @throws IllegalArgumentException if there is none, or one is empty */
    Separators(byte[]... separators) {
        if (separators.length == 0) {
            throw new IllegalArgumentException("Separator should contain at least one element");
        }
        shortestFirst = separators.clone();
        for (int i = 0; i < shortestFirst.length; i++) {
            shortestFirst[i] = separators[i].clone();
        }
        Arrays.sort(shortestFirst, Comparator.comparingInt(separator -> separator.length));
        if (shortestFirst[0].length == 0) {
            throw new IllegalArgumentException(
                    "Separator should be at least one byte long: an empty one would match everywhere");
        }
    }

    int count() {
        return shortestFirst.length;
    }

    byte[] get(int i) {
        return shortestFirst[i];
    }

    int longest() {
        return shortestFirst[shortestFirst.length - 1].length;
    }
}
