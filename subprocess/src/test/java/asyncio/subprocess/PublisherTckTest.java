package asyncio.subprocess;

import static asyncio.subprocess.Stdio.PIPE;

import asyncio.EventLoop;
import asyncio.Tck;
import asyncio.streams.LeakCheck;
import java.time.Duration;
import java.util.Objects;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.extension.ExtendWith;
import reactor.core.publisher.Mono;

/** The Reactive Streams rules, applied to the publishers of commands and children. */
@ExtendWith(LeakCheck.class)
class PublisherTckTest {
    private static final Command TRUE = Command.of("true").stdin(PIPE).stdout(PIPE);

    private static Descriptors descriptors;

    @BeforeAll
    static void count() {
        descriptors = Descriptors.now();
    }

    /** Closes the loops, and with them everything that the rules have started and dropped. */
    @AfterAll
    static void shutdown() {
        EventLoop.shutdownShared(Duration.ofSeconds(10));
        descriptors.assertNoneLeft();
    }

    private static Subprocess child() {
        return Objects.requireNonNull(Subprocess.start(TRUE).block());
    }

    @TestFactory
    Stream<DynamicTest> start() {
        return Tck.of("start", () -> Subprocess.start(TRUE));
    }

    @TestFactory
    Stream<DynamicTest> run() {
        return Tck.of("run", () -> Subprocess.run(TRUE));
    }

    @TestFactory
    Stream<DynamicTest> use() {
        return Tck.of("use", () -> Subprocess.use(TRUE, child -> Mono.just(1)));
    }

    @TestFactory
    Stream<DynamicTest> useBody() {
        return Tck.of("useBody", () -> Subprocess.useBody(TRUE, child -> 1));
    }

    @TestFactory
    Stream<DynamicTest> waitFor() {
        return Tck.of("waitFor", () -> child().waitFor());
    }

    @TestFactory
    Stream<DynamicTest> communicate() {
        return Tck.of("communicate", () -> child().communicate())
                .filter(rule -> !rule.getDisplayName().contains("MultiSubscribe")); // one reader at a time
    }

    @TestFactory
    Stream<DynamicTest> closeAndWait() {
        return Tck.of("closeAndWait", () -> child().closeAndWait());
    }

    @TestFactory
    Stream<DynamicTest> killTree() {
        return Tck.of("killTree", () -> child().killTree());
    }

    @TestFactory
    Stream<DynamicTest> descendants() {
        return Tck.of("descendants", () -> child().descendants());
    }
}
