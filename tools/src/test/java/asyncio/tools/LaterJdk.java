package asyncio.tools;

import java.io.IOException;
import java.io.Reader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Properties;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** A JDK later than the one of the tests, in which bodies run on virtual threads. */
final class LaterJdk {
    /** The first version in which they do. */
    static final int VIRTUAL_BODIES = 24;

    private LaterJdk() {}

    /** Returns its home; null if there is none. */
    static @Nullable Path find() throws IOException {
        String named = System.getenv("NEWER_JAVA_HOME");
        if (named != null && !named.isEmpty()) {
            return isLater(Path.of(named)) ? Path.of(named) : null;
        }
        Path installed = Path.of("/usr/lib/jvm");
        if (!Files.isDirectory(installed)) {
            return null;
        }
        try (Stream<Path> homes = Files.list(installed)) {
            for (Path home : homes.sorted().toList()) {
                if (isLater(home)) {
                    return home;
                }
            }
        }
        return null;
    }

    private static boolean isLater(Path home) throws IOException {
        Path release = home.resolve("release");
        if (!Files.isExecutable(home.resolve("bin/java")) || !Files.exists(release)) {
            return false;
        }
        Properties facts = new Properties();
        try (Reader reader = Files.newBufferedReader(release)) {
            facts.load(reader);
        }
        String version = facts.getProperty("JAVA_VERSION", "0").replace("\"", "");
        int feature = Integer.parseInt(version.split("[.\\-+]")[0]);
        return feature >= VIRTUAL_BODIES && feature > Runtime.version().feature();
    }
}
