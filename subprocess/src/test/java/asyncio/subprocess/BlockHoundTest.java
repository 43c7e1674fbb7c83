package asyncio.subprocess;

import static asyncio.subprocess.Stdio.PIPE;
import static java.nio.charset.StandardCharsets.UTF_8;

import asyncio.BlockingCalls;
import java.time.Duration;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.TimeoutException;
import java.util.function.Function;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.condition.EnabledIfSystemProperty;
import org.reactivestreams.Publisher;
import reactor.core.publisher.Mono;

/** No method that returns a Mono or a Flux blocks the loop it is called, subscribed to or cancelled on. */
@EnabledIfSystemProperty(named = "asyncio.test.blockhound", matches = "true")
class BlockHoundTest {
    private static final Command CAT =
            Command.of("cat").stdin(PIPE).stdout(PIPE).stderr(PIPE).newSession();
    private static final byte[] TEXT = "text\n".getBytes(UTF_8);

    @BeforeAll
    static void install() {
        BlockingCalls.install();
    }

    @AfterAll
    static void killThoseThatWereCancelled() {
        ProcessHandle.current().descendants().forEach(ProcessHandle::destroyForcibly);
    }

    private static Map<String, Function<Command, Publisher<?>>> functions() {
        Map<String, Function<Command, Publisher<?>>> functions = new HashMap<>();
        functions.put("Subprocess.exec(String, String[])", cat -> Subprocess.exec("true"));
        functions.put("Subprocess.shell(String)", cat -> Subprocess.shell("exit 3"));
        functions.put("Subprocess.start(Command)", cat -> Subprocess.start(cat).flatMap(Subprocess::killTree));
        functions.put(
                "Subprocess.run(Command)",
                cat -> Subprocess.run(cat.timeout(Duration.ofMillis(20))).onErrorComplete(TimeoutException.class));
        functions.put("Subprocess.run(Command, byte[])", cat -> Subprocess.run(cat, TEXT));
        functions.put("Subprocess.use(Command, Function)", cat -> Subprocess.use(cat, child -> Mono.just(1)));
        functions.put(
                "Subprocess.useFlux(Command, Function)",
                cat -> Subprocess.useFlux(cat, child -> {
                    child.stdin().write(TEXT);
                    return child.stdout().lines().take(1);
                }));
        functions.put("Subprocess.useBody(Command, BodyFunction)", cat -> Subprocess.useBody(cat, child -> 1));
        functions.put(
                "Subprocess.execProtocol(Supplier, Command)",
                cat -> Subprocess.execProtocol(() -> new SubprocessProtocol() {}, cat)
                        .doOnNext(opened -> opened.transport().close()));
        functions.put(
                "Subprocess.shellProtocol(Supplier, String)",
                cat -> Subprocess.shellProtocol(() -> new SubprocessProtocol() {}, "exit 3"));
        functions.put(
                "SubprocessTransport.sendSignal(String)",
                cat -> Subprocess.execProtocol(() -> new SubprocessProtocol() {}, cat)
                        .flatMap(opened -> opened.transport().sendSignal("HUP")));
        return functions;
    }

    private static Map<String, Function<Subprocess, Publisher<?>>> methods() {
        Map<String, Function<Subprocess, Publisher<?>>> methods = new HashMap<>();
        methods.put("Subprocess.communicate()", Subprocess::communicate);
        methods.put("Subprocess.communicate(byte[])", child -> child.communicate(new byte[1 << 20]));
        methods.put("Subprocess.waitFor()", child -> {
            child.kill();
            return child.waitFor();
        });
        methods.put("Subprocess.sendSignal(String)", child -> child.sendSignal("HUP"));
        methods.put("Subprocess.sendSignalToGroup(String)", child -> child.sendSignalToGroup("HUP"));
        methods.put("Subprocess.descendants()", Subprocess::descendants);
        methods.put("Subprocess.closeAndWait()", Subprocess::closeAndWait);
        methods.put("Subprocess.killTree()", Subprocess::killTree);
        return methods;
    }

    @Test
    void everyMethodIsTried() throws Exception {
        Set<String> tried = new HashSet<>(functions().keySet());
        tried.addAll(methods().keySet());
        tried.addAll(Set.of( // called by the methods above
                "LaunchedChild.descendants()",
                "LaunchedChild.end(boolean, Runnable)",
                "LaunchedChild.send(String, boolean)"));
        BlockingCalls.assertThatAllAreTried(Subprocess.class, tried);
    }

    @TestFactory
    Stream<DynamicTest> noMethodBlocks() {
        return Stream.concat(
                functions().entrySet().stream()
                        .flatMap(function -> BlockingCalls.of(function.getKey(), Mono.just(CAT), function.getValue())),
                methods().entrySet().stream()
                        .flatMap(
                                method -> BlockingCalls.of(method.getKey(), Subprocess.start(CAT), method.getValue())));
    }
}
