package asyncio.examples;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;

/** The BOM beside the modules of the build. */
class BomTest {
    private static final Path ROOT = Path.of("..").toAbsolutePath().normalize();
    private static final Set<String> NOT_PUBLISHED = Set.of("bom", "examples", "benchmarks", "jcstress");
    private static final Pattern MODULE = Pattern.compile("<module>(.*)</module>");
    private static final Pattern ARTIFACT = Pattern.compile("<artifactId>asyncio-(?!bom)(.*?)</artifactId>");
    private static final Pattern VERSION = Pattern.compile("<version>([0-9].*?)</version>");

    @Test
    void itHasAllPublishedModulesInTheVersionOfTheBuild() throws IOException {
        String build = Files.readString(ROOT.resolve("pom.xml"));
        String bom = Files.readString(ROOT.resolve("bom/pom.xml"));
        Set<String> modules = new TreeSet<>();
        for (String module : find(MODULE, build)) {
            if (!NOT_PUBLISHED.contains(module)) {
                modules.add(artifactOf(module));
            }
        }
        assertThat(find(ARTIFACT, bom)).isEqualTo(modules).contains("core", "testkit");
        Matcher version = VERSION.matcher(build);
        assertThat(version.find()).isTrue();
        Matcher own = VERSION.matcher(bom);
        assertThat(own.find()).isTrue();
        assertThat(own.group(1)).isEqualTo(version.group(1));
    }

    /** The name of its artifact, which follows the name of the parent. */
    private static String artifactOf(String module) throws IOException {
        Matcher names = ARTIFACT.matcher(Files.readString(ROOT.resolve(module).resolve("pom.xml")));
        assertThat(names.find()).isTrue();
        assertThat(names.group(1)).isEqualTo("parent");
        assertThat(names.find()).as("artifact of %s", module).isTrue();
        return names.group(1);
    }

    private static Set<String> find(Pattern pattern, String text) {
        Set<String> found = new TreeSet<>();
        for (Matcher matcher = pattern.matcher(text); matcher.find(); ) {
            found.add(matcher.group(1));
        }
        return found;
    }
}
