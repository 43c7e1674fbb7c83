package asyncio.examples;

import static org.assertj.core.api.Assertions.assertThat;

import asyncio.subprocess.Command;
import asyncio.subprocess.Output;
import asyncio.subprocess.Subprocess;
import java.io.File;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Pattern;
import java.util.spi.ToolProvider;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** The program in {@code src/modular}, compiled and run on the module path alone. */
@Timeout(120)
class ModulePathTest {
    private static final Pattern THIRD_PARTY =
            Pattern.compile("(reactor-core|reactor-netty-core|netty-|reactive-streams|jspecify).*\\.jar");

    @Test
    void aProgramOfModulesNeedsNoOptions(@TempDir Path classes) throws Exception {
        List<String> compile = new ArrayList<>(
                List.of("-proc:none", "-Xlint:all,-try", "-Werror", "--module-path", modulePath(), "-d", classes + ""));
        try (Stream<Path> sources = Files.walk(Path.of("src/modular/java"))) {
            sources.filter(source -> source.toString().endsWith(".java")).forEach(source -> compile.add(source + ""));
        }
        StringWriter said = new StringWriter();
        int result = ToolProvider.findFirst("javac")
                .orElseThrow()
                .run(new PrintWriter(said), new PrintWriter(said), compile.toArray(String[]::new));
        assertThat(result).as(said.toString()).isZero();

        Output output = Subprocess.run(Command.of(
                        Path.of(System.getProperty("java.home"), "bin", "java") + "",
                        "--module-path",
                        classes + File.pathSeparator + modulePath(),
                        "--module",
                        "asyncio.examples.modular/asyncio.examples.modular.Modular"))
                .block(Duration.ofSeconds(100));
        assertThat(output.out().lines()).as(output.err()).containsSubsequence("queued", "served", "ran");
        assertThat(output.returnCode()).isZero();
    }

    /** This library's modules, as directories or jars, and their dependencies. */
    private static String modulePath() {
        return Stream.of(System.getProperty("java.class.path").split(File.pathSeparator))
                .filter(entry -> Files.exists(Path.of(entry, "module-info.class"))
                        || Path.of(entry).getFileName().toString().matches("asyncio-.*\\.jar")
                        || THIRD_PARTY
                                .matcher(Path.of(entry).getFileName().toString())
                                .matches())
                .collect(Collectors.joining(File.pathSeparator));
    }
}
