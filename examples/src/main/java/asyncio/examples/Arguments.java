package asyncio.examples;

import java.nio.file.Path;
import java.util.Arrays;
import java.util.Objects;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/** The arguments of the tour: the file to send, or the port to serve. */
record Arguments(@Nullable Path givenFile, int port) {
    private static final int NO_PORT = -1;
    private static final String SERVE = "--serve";

    /** All words may come as one argument, which Maven passes as null if it is empty; a file name may have spaces. */
    static Arguments parse(@Nullable String[] args) {
        String text = Arrays.stream(args)
                .filter(Objects::nonNull)
                .collect(Collectors.joining(" "))
                .strip();
        if (!text.startsWith("--")) {
            return new Arguments(text.isEmpty() ? null : Path.of(text), NO_PORT);
        }
        String[] words = text.split("\\s+");
        if (words.length != 2 || !words[0].equals(SERVE)) {
            throw new IllegalArgumentException("usage: [FILE | " + SERVE + " PORT], not " + text);
        }
        return new Arguments(null, port(words[1]));
    }

    private static int port(String word) {
        try {
            int port = Integer.parseInt(word);
            if (port >= 0 && port <= 65_535) {
                return port;
            }
        } catch (NumberFormatException e) {
            // the same error as for a number out of range
        }
        throw new IllegalArgumentException(SERVE + " needs a port from 0 to 65535, not " + word);
    }

    boolean isServer() {
        return port != NO_PORT;
    }

    /** Returns the given file, or one that every checkout of the project has. */
    Path file() {
        if (givenFile != null) {
            return givenFile;
        }
        return Path.of(System.getProperty("tour.project", ""))
                .resolve("LICENSE")
                .normalize();
    }
}
