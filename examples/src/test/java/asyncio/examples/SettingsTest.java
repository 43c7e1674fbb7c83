package asyncio.examples;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** The table of docs/settings.md beside the sources of the published modules. */
class SettingsTest {
    private static final Path ROOT = Path.of("..").toAbsolutePath().normalize();
    private static final List<String> MODULES =
            List.of("core", "sync", "queue", "bridge", "streams", "subprocess", "testkit");
    /** A property where it is read, or the constant that holds its name. */
    private static final Pattern READ = Pattern.compile(
            "(?:getProperty|getBoolean|getInteger|getLong|millis|nanos|_PROPERTY =)\\s*\\(?\\s*\"(asyncio\\.[a-z.-]+)\"");

    private static final Pattern ROW = Pattern.compile("(?m)^\\| `(asyncio\\.[a-z.-]+)` \\|");

    private static TreeSet<String> read() throws IOException {
        TreeSet<String> read = new TreeSet<>();
        for (String module : MODULES) {
            try (Stream<Path> files = Files.walk(ROOT.resolve(module).resolve("src/main/java"))) {
                for (Path file :
                        files.filter(path -> path.toString().endsWith(".java")).toList()) {
                    find(READ, Files.readString(file), read);
                }
            }
        }
        return read;
    }

    private static TreeSet<String> find(Pattern pattern, String text, TreeSet<String> found) {
        for (Matcher matcher = pattern.matcher(text); matcher.find(); ) {
            found.add(matcher.group(1));
        }
        return found;
    }

    @Test
    void everyPropertyThatIsReadIsInTheTableAndTheOtherWayRound() throws IOException {
        String page = Files.readString(ROOT.resolve("docs/settings.md"));
        assertThat(read()).hasSizeGreaterThan(8).isEqualTo(find(ROW, page, new TreeSet<>()));
    }

    @Test
    void noPropertyIsAPrefixOfAnother() throws IOException {
        TreeSet<String> all = read();
        for (String property : all) {
            assertThat(all).noneMatch(other -> other.startsWith(property + "."));
        }
    }
}
