package asyncio.examples;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.MatchResult;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/**
 * The words of javadoc and pages: the beginning of each javadoc, and the frequency of forms that are hard to read. The
 * limits are in {@code prose.txt} in the tests' resources, a line each: occurrences per 10,000 words, and a pattern.
 */
class ProseTest {
    private static final Path ROOT = Path.of("..").toAbsolutePath().normalize();
    private static final Pattern JAVADOC = Pattern.compile("/\\*\\*(.*?)\\*/", Pattern.DOTALL);
    private static final Pattern OPENING = Pattern.compile(
            "(What|Who|Whom|Whose|Whoever|Whatever|Those|One who|How|Where|Nobody|Somebody|Someone|As what)\\b.*");
    private static final Pattern WORD = Pattern.compile("[A-Za-z']+");

    @Test
    void javadocBeginsWithANounOrAVerb() throws IOException {
        List<String> begins = new ArrayList<>();
        int javadocs = 0;
        for (Path source : sources()) {
            for (String text : javadocOf(source)) {
                javadocs++;
                if (OPENING.matcher(text).matches()) {
                    begins.add(ROOT.relativize(source) + ": " + text.substring(0, Math.min(60, text.length())));
                }
            }
        }
        assertThat(javadocs).isGreaterThan(2_000);
        assertThat(begins).isEmpty();
    }

    @Test
    void formsThatAreHardToReadAreRare() throws IOException {
        StringBuilder prose = new StringBuilder();
        for (Path source : sources()) {
            javadocOf(source).forEach(text -> prose.append(text).append('\n'));
        }
        for (Path page : pages()) {
            prose.append(Files.readString(page).replaceAll("(?s)```.*?```|`[^`\n]*`", " "))
                    .append('\n');
        }
        long words = WORD.matcher(prose).results().count();
        List<String> tooMany = new ArrayList<>();
        for (String line : limits()) {
            String[] limit = line.split("\\s+", 2);
            Matcher form = Pattern.compile(limit[1], Pattern.CASE_INSENSITIVE).matcher(prose);
            double rate = form.results().map(MatchResult::group).count() * 10_000.0 / words;
            System.out.printf("ProseTest: %5.1f per 10,000 words, limit %s: %s%n", rate, limit[0], limit[1]);
            if (rate > Double.parseDouble(limit[0])) {
                tooMany.add(String.format("%s: %.1f per 10,000 words, more than %s", limit[1], rate, limit[0]));
            }
        }
        assertThat(tooMany).as("of %d words", words).isEmpty();
    }

    private static List<String> limits() throws IOException {
        return Files.readAllLines(ROOT.resolve("examples/src/test/resources/prose.txt")).stream()
                .filter(line -> !line.isBlank() && !line.startsWith("#"))
                .toList();
    }

    /** Returns each javadoc as one line of prose: without code and stars. */
    private static List<String> javadocOf(Path source) throws IOException {
        return JAVADOC.matcher(Files.readString(source))
                .results()
                .map(javadoc -> javadoc.group(1)
                        .replaceAll("\\s*\\n\\s*\\*?\\s*", " ")
                        .replaceAll("<pre>.*?</pre>", " ")
                        .replaceAll("\\{@(link|linkplain|code|literal)\\s+[^}]*}", "X")
                        .strip())
                .toList();
    }

    private static List<Path> sources() throws IOException {
        try (Stream<Path> files = Files.walk(ROOT, 12)) {
            return files.filter(file -> file.toString().contains("/src/main/java/"))
                    .filter(file -> file.toString().endsWith(".java"))
                    .sorted()
                    .toList();
        }
    }

    private static List<Path> pages() throws IOException {
        try (Stream<Path> files = Files.list(ROOT.resolve("docs"))) {
            return Stream.concat(Stream.of(ROOT.resolve("README.md"), ROOT.resolve("CONTRIBUTING.md")), files)
                    .filter(file -> file.toString().endsWith(".md"))
                    .sorted()
                    .toList();
        }
    }
}
