package asyncio.streams;

import asyncio.EventLoop;
import java.util.function.Function;
import reactor.core.publisher.Mono;

/** Runs work on the loop that is running at subscription, or on a shared one. */
final class OnLoop {
    private OnLoop() {}

    /** A cold Mono of the result of the work, which is called on the loop. */
    static <T> Mono<T> call(Function<EventLoop, T> work) {
        return Mono.defer(() -> {
            EventLoop loop = EventLoop.runningOrShared();
            Mono<T> call = Mono.fromCallable(() -> work.apply(loop));
            return loop.netty().inEventLoop() ? call : call.subscribeOn(loop.scheduler());
        });
    }
}
