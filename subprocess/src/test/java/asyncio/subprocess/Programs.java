package asyncio.subprocess;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** Programs of these tests, each run in its own JVM. */
final class Programs {
    private Programs() {}

    static Command java(Class<?> program, String... arguments) {
        List<String> words = new ArrayList<>(List.of(
                ProcessHandle.current().info().command().orElseThrow(),
                "-Xmx64m",
                "-XX:TieredStopAtLevel=1",
                "--enable-native-access=ALL-UNNAMED",
                "-Dasyncio.subprocess=" + System.getProperty("asyncio.subprocess", ""),
                "-cp",
                System.getProperty("java.class.path"),
                program.getName()));
        words.addAll(Arrays.asList(arguments));
        return Command.of(words).env("JAVA_TOOL_OPTIONS", null);
    }
}
