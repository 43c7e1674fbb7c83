package asyncio;

import static asyncio.Asyncio.async;
import static asyncio.Asyncio.await;
import static asyncio.Asyncio.createTask;
import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import asyncio.internal.loop.BodyThreads;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledForJreRange;
import org.junit.jupiter.api.condition.JRE;

/** The threads of bodies in a separate JVM, depending on its options. */
class BodyKindTest {
    private static final String OPENS = "--add-opens=java.base/java.lang=ALL-UNNAMED";

    /** A program of two bodies. */
    public static final class TwoBodies {
        private TwoBodies() {}

        public static void main(String[] args) throws Exception {
            Asyncio.run(() -> await(createTask(async(() -> 1))));
            System.out.println("on " + BodyThreads.KIND);
        }
    }

    private static String say(String... options) throws Exception {
        try (ChildJvm child = ChildJvm.of(TwoBodies.class).options(options).start()) {
            child.expectExit(0);
            return String.join("\n", child.lines());
        }
    }

    @Test
    void theChoiceIsLoggedOnceUnlessItIsTheUsers() throws Exception {
        assertThat(say("-Dasyncio.bodies.kind=auto"))
                .containsOnlyOnce("Bodies run on")
                .contains("on " + (Runtime.version().feature() < 24 ? "PLATFORM" : ""));
        assertThat(say("-Dasyncio.bodies.kind=platform")).isEqualTo("on PLATFORM");
    }

    @Test
    void withoutALoggingLibraryStdoutIsTheProgramsAlone() throws Exception {
        assertThat(say("-Dasyncio.bodies.kind=auto", "-Dreactor.logging.fallback=CONSOLE"))
                .matches("on [A-Z]+");
    }

    @Test
    @EnabledForJreRange(min = JRE.JAVA_24)
    void loopsCarryTheirBodiesWhereTheJdkIsOpen() throws Exception {
        assertThat(say("-Dasyncio.bodies.kind=auto", OPENS))
                .containsOnlyOnce("Bodies run on the threads of their loops")
                .endsWith("on CARRIER");
        assertThat(say("-Dasyncio.bodies.kind=virtual", OPENS)).isEqualTo("on VIRTUAL");
    }

    @Test
    void whoAsksForWhatCannotBeHadIsToldWhatIsMissing() throws Exception {
        assumeTrue(BodyThreads.KIND != BodyThreads.Kind.CARRIER); // its child JVMs can have it
        try (ChildJvm child = ChildJvm.of(TwoBodies.class)
                .options("-Dasyncio.bodies.kind=carrier")
                .start()) {
            child.expectExit(1);
            assertThat(String.join("\n", child.lines()))
                    .contains("asyncio.bodies.kind=carrier needs ")
                    .contains("--add-opens java.base/java.lang=ALL-UNNAMED");
        }
    }
}
