package asyncio.examples;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.DynamicTest.dynamicTest;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;

/**
 * Every Java block of README.md, of docs/ and of the javadoc compiles. The surroundings of a page, see {@link DocPage},
 * are {@code docs/all.java} and, if it is there, {@code docs/PAGE.java} in the tests' resources. A source has those of
 * the page about its package.
 */
class DocsTest {
    private static final Map<String, String> PAGES =
            Map.of("asyncio", "README", "bridge", "bridging", "testkit", "testing-io");
    private static final Path ROOT = Path.of("..").toAbsolutePath().normalize();

    @TestFactory
    Stream<DynamicTest> everyJavaBlockCompiles() throws IOException {
        try (Stream<Path> docs = Files.list(ROOT.resolve("docs"))) {
            List<Path> pages = Stream.concat(
                            Stream.of(ROOT.resolve("README.md"), ROOT.resolve("CONTRIBUTING.md")), docs)
                    .filter(file -> file.toString().endsWith(".md"))
                    .sorted()
                    .toList();
            List<DynamicTest> tests = new ArrayList<>();
            for (Path file : pages) {
                String base = file.getFileName().toString().replace(".md", ".java");
                tests.add(compiles(
                        new DocPage(ROOT.relativize(file).toString(), Files.readString(file), surroundings(base)),
                        base));
            }
            return tests.stream();
        }
    }

    @TestFactory
    Stream<DynamicTest> everyJavaBlockOfJavadocCompiles() throws IOException {
        List<DynamicTest> tests = new ArrayList<>();
        try (DirectoryStream<Path> modules = Files.newDirectoryStream(ROOT, Files::isDirectory)) {
            for (Path module : modules) {
                Path main = module.resolve("src/main/java");
                if (Files.isDirectory(main)) {
                    addJavadoc(main, tests);
                }
            }
        }
        return tests.stream();
    }

    private static void addJavadoc(Path main, List<DynamicTest> tests) throws IOException {
        try (Stream<Path> files = Files.walk(main)) {
            for (Path file : files.filter(file -> file.toString().endsWith(".java"))
                    .sorted()
                    .toList()) {
                String folder = file.getParent().getFileName().toString();
                String base = PAGES.getOrDefault(folder, folder) + ".java";
                DocPage page =
                        DocPage.ofJavadoc(ROOT.relativize(file).toString(), Files.readString(file), surroundings(base));
                if (!page.blocks().isEmpty()) {
                    tests.add(compiles(page, base));
                }
            }
        }
    }

    private static DynamicTest compiles(DocPage page, String base) {
        return dynamicTest(
                page.name(),
                () -> assertThat(page.errors())
                        .as("names that the blocks take for granted are declared in src/test/resources/docs/%s", base)
                        .isEmpty());
    }

    private static String surroundings(String base) throws IOException {
        return resource("all.java") + resource(base);
    }

    private static String resource(String name) throws IOException {
        try (InputStream in = DocsTest.class.getResourceAsStream("/docs/" + name)) {
            return in == null ? "" : new String(in.readAllBytes(), StandardCharsets.UTF_8);
        }
    }
}
