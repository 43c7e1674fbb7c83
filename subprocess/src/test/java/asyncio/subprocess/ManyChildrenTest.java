package asyncio.subprocess;

import static asyncio.Asyncio.async;
import static asyncio.Asyncio.await;
import static asyncio.Asyncio.gather;
import static asyncio.Asyncio.mapConcurrentUnordered;
import static asyncio.Asyncio.sleep;
import static asyncio.subprocess.Stdio.PIPE;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import asyncio.Asyncio;
import asyncio.streams.LeakCheck;
import asyncio.streams.internal.EpollPipe;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/** Many children, one after the other and at once: none gets another's bytes, and none leaves anything behind. */
@ExtendWith(LeakCheck.class)
@Timeout(value = 2, unit = TimeUnit.MINUTES)
class ManyChildrenTest {
    private static long pumps() {
        return Thread.getAllStackTraces().keySet().stream()
                .filter(thread -> thread.getName().matches("asyncio-(subprocess|pipe)-\\d+"))
                .count();
    }

    @Test
    void aThousandShortOnes() throws Exception {
        Descriptors descriptors = Descriptors.now();
        Flux<Mono<Void>> children = Flux.range(0, 1000).map(i -> {
            String text = "child " + i + "\n";
            Command command = switch (i % 4) {
                case 0 -> Command.of("cat");
                case 1 -> Command.shell("exec cat");
                case 2 -> Command.shell("cat >&2");
                default -> Command.of("echo", "-n", text); // does not read
            };
            return Subprocess.run(command, text.getBytes(UTF_8))
                    .doOnNext(output -> {
                        assertThat(output.returnCode()).isZero();
                        assertThat(output.out() + output.err()).isEqualTo(text);
                    })
                    .then();
        });
        Asyncio.run(
                () -> await(mapConcurrentUnordered(children, 16, child -> child).then()));
        descriptors.assertNoneLeft();
    }

    @Test
    void twoHundredAtOnce() throws Exception {
        Descriptors descriptors = Descriptors.now();
        int count = 200;
        Asyncio.run(() -> {
            List<Mono<Subprocess>> starts = new ArrayList<>();
            for (int i = 0; i < count; i++) {
                starts.add(Subprocess.start(
                        Command.of("cat").stdin(PIPE).stdout(PIPE).stderr(PIPE)));
            }
            List<Subprocess> cats = await(gather(starts));
            for (int round = 0; round < 3; round++) {
                List<Mono<Void>> echoes = new ArrayList<>();
                for (Subprocess cat : cats) {
                    String line = round + " for " + cat.pid() + "\n";
                    cat.stdin().write(line);
                    echoes.add(async(() -> {
                        assertThat(new String(await(cat.stdout().readLine()), UTF_8))
                                .isEqualTo(line);
                    }));
                }
                await(gather(echoes));
            }
            if (cats.get(0).pipe(0) instanceof EpollPipe) {
                while (pumps() > 0) { // the threads that started them end when idle
                    await(sleep(Duration.ofMillis(50)));
                }
            }
            cats.forEach(cat -> cat.stdin().close());
            for (Subprocess cat : cats) {
                assertThat(await(cat.communicate()).returnCode()).isZero();
            }
        });
        descriptors.assertNoneLeft();
    }

    @Test
    void noChildHasMoreThanItsOwnDescriptors() throws Exception {
        assumeTrue(Files.isDirectory(Path.of("/proc/self/fd")));
        Asyncio.run(() -> {
            List<Subprocess> others = new ArrayList<>();
            for (int i = 0; i < 20; i++) {
                others.add(await(Subprocess.start(
                        Command.of("cat").stdin(PIPE).stdout(PIPE).stderr(PIPE))));
            }
            Subprocess child = await(Subprocess.start(
                    Command.of("sleep", "1000").stdin(PIPE).stdout(PIPE).stderr(PIPE)));
            Path directory = Path.of("/proc/" + child.pid());
            try (var descriptors = Files.list(directory.resolve("fd"))) {
                assertThat(descriptors.map(
                                descriptor -> descriptor.getFileName().toString()))
                        .containsExactlyInAnyOrder("0", "1", "2");
            }
            for (int i = 0; i < 3; i++) { // a child expects blocking streams: not O_NONBLOCK, 04000
                String flags =
                        Files.readAllLines(directory.resolve("fdinfo/" + i)).get(1);
                assertThat(Integer.parseInt(flags.replaceAll("flags:\\s*", ""), 8) & 04000)
                        .isZero();
            }
            await(child.killTree());
            for (Subprocess other : others) {
                await(other.killTree());
            }
        });
    }

    @Test
    void childrenThatAreKilledWhileTheyAreWrittenTo() throws Exception {
        Descriptors descriptors = Descriptors.now();
        Asyncio.run(() -> {
            for (int i = 0; i < 30; i++) {
                Subprocess cat =
                        await(Subprocess.start(Command.of("cat").stdin(PIPE).stdout(PIPE)));
                for (int n = 0; n < 30; n++) {
                    cat.stdin().write(new byte[10_000]);
                }
                await(cat.stdout().read(1000 * i + 1));
                try {
                    cat.kill();
                } catch (ProcessLookupException e) {
                    throw new AssertionError(cat.stdin() + ", return code " + await(cat.waitFor()), e);
                }
                assertThat(await(cat.communicate(new byte[100_000])).returnCode())
                        .isEqualTo(-9);
                cat.close();
            }
        });
        descriptors.assertNoneLeft();
    }
}
