package asyncio.subprocess;

import asyncio.Activities;
import asyncio.Activity;
import java.time.Duration;
import java.util.function.Function;
import reactor.core.publisher.Mono;

/**
 * Implements {@link Subprocess#run}: starts a child, reads its output until its end or a time limit, and kills it
 * otherwise.
 */
final class RunToEnd {
    private RunToEnd() {}

    static Mono<Output> of(Command command, Function<Subprocess, Mono<Output>> communicate) {
        Duration limit = command.timeout();
        Mono<Output> run = Mono.usingWhen(
                Subprocess.startScoped(command),
                child -> limit == null
                        ? communicate.apply(child)
                        : communicate
                                .apply(child)
                                .timeout(
                                        limit,
                                        afterLimit(child, command, limit),
                                        child.loop().scheduler()),
                child -> child.cleanup(Mono.fromRunnable(child::closePipes)),
                (child, error) -> child.cleanup(child.killTree()),
                child -> child.cleanup(child.killTree()));
        return Activities.around(
                Activity.Kind.SUBPROCESS_RUN,
                command.words().get(0),
                command.isChecked() ? run.map(Output::check) : run);
    }

    /**
     * Ends the run after the time limit, with an error unless the child has exited and only its output was waited for.
     */
    private static Mono<Output> afterLimit(Subprocess child, Command command, Duration limit) {
        return Mono.defer(() -> {
            boolean hasExited = child.returnCode().isPresent();
            return Mono.zip(child.rest(), child.killTree(), (output, code) -> output)
                    .flatMap(output ->
                            hasExited ? Mono.just(output) : Mono.error(timeoutExpired(child, command, limit, output)));
        });
    }

    private static TimeoutExpiredException timeoutExpired(
            Subprocess child, Command command, Duration limit, Output output) {
        String message = command + ", pid " + child.pid() + ", took longer than " + limit + " and was killed";
        return new TimeoutExpiredException(message, command, limit, output.stdout(), output.stderr());
    }
}
