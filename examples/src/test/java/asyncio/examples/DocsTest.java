package asyncio.examples;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.DynamicTest.dynamicTest;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;

/**
 * Every Java block of README.md and of docs/ compiles. The surroundings of a page, see {@link DocPage}, are
 * {@code docs/all.java} and, if it is there, {@code docs/PAGE.java} in the tests' resources.
 */
class DocsTest {
    private static final Path ROOT = Path.of("..").toAbsolutePath().normalize();

    @TestFactory
    Stream<DynamicTest> everyJavaBlockCompiles() throws IOException {
        try (Stream<Path> docs = Files.list(ROOT.resolve("docs"))) {
            List<Path> pages = Stream.concat(
                            Stream.of(ROOT.resolve("README.md"), ROOT.resolve("CONTRIBUTING.md")), docs)
                    .filter(file -> file.toString().endsWith(".md"))
                    .sorted()
                    .toList();
            return pages.stream().map(file -> {
                String name = ROOT.relativize(file).toString();
                return dynamicTest(name, () -> {
                    String base = file.getFileName().toString().replace(".md", ".java");
                    DocPage page = new DocPage(name, Files.readString(file), resource("all.java") + resource(base));
                    assertThat(page.errors())
                            .as(
                                    "names that the blocks take for granted are declared in src/test/resources/docs/%s",
                                    base)
                            .isEmpty();
                });
            });
        }
    }

    private static String resource(String name) throws IOException {
        try (InputStream in = DocsTest.class.getResourceAsStream("/docs/" + name)) {
            return in == null ? "" : new String(in.readAllBytes(), StandardCharsets.UTF_8);
        }
    }
}
