package shop;

import static asyncio.Asyncio.await;
import static asyncio.Asyncio.generate;
import static asyncio.Asyncio.sleep;
import static asyncio.Asyncio.toThread;
import static asyncio.subprocess.Stdio.PIPE;
import static java.nio.charset.StandardCharsets.UTF_8;

import asyncio.EventLoop;
import asyncio.SharedLoops;
import asyncio.subprocess.Command;
import asyncio.subprocess.Subprocess;
import java.time.Duration;
import org.springframework.http.MediaType;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.RestController;
import reactor.core.publisher.Flux;

/** Server-sent events: the tree of tasks for {@code tasks.html}, and the lines of a child process. */
@RestController
class Live {
    private final SharedLoops loops;

    Live(SharedLoops loops) {
        this.loops = loops;
    }

    @GetMapping(path = "/live/tasks", produces = MediaType.TEXT_EVENT_STREAM_VALUE)
    Flux<String> tasks() {
        return generate(emitter -> {
            while (true) {
                // reading stacks takes time: not on a loop
                await(emitter.emit(await(toThread(this::dump))));
                await(sleep(Duration.ofSeconds(1)));
            }
        });
    }

    private String dump() {
        StringBuilder text = new StringBuilder();
        for (EventLoop loop : loops) {
            text.append(loop.dumpTasks()).append('\n');
        }
        return text.toString();
    }

    /** The child ends with the client that listens. */
    @GetMapping(path = "/live/clock", produces = MediaType.TEXT_EVENT_STREAM_VALUE)
    Flux<String> clock() {
        return Subprocess.useFlux(
                Command.shell("while date +%T; do sleep 1; done").stdout(PIPE),
                shell -> shell.stdout().lines(UTF_8));
    }
}
