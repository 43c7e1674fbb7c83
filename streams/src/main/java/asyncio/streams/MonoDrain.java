package asyncio.streams;

import asyncio.Future;
import java.util.concurrent.RejectedExecutionException;
import reactor.core.CoreSubscriber;
import reactor.core.publisher.Mono;
import reactor.core.publisher.Operators;

/** The Mono of {@link StreamWriter#drain}; on the connection's loop it is free while there is room. */
final class MonoDrain extends Mono<Void> {
    private final StreamWriter writer;

    MonoDrain(StreamWriter writer) {
        this.writer = writer;
    }

    @Override
    public void subscribe(CoreSubscriber<? super Void> actual) {
        if (writer.channel().eventLoop().inEventLoop()) {
            writer.drainNow().subscribe(actual);
            return;
        }
        // after the writes that this thread has passed to the loop, so that they count
        Future<Mono<Void>> outcome = new Future<>();
        try {
            writer.out().onLoop(() -> {
                try {
                    outcome.setResult(writer.drainNow());
                } catch (Throwable e) { // a flush needs memory
                    outcome.setException(e);
                }
            });
        } catch (RejectedExecutionException e) {
            Operators.error(actual, writer.out().lossError());
            return;
        }
        outcome.flatMap(drained -> drained).subscribe(actual);
    }

    @Override
    public String toString() {
        return "drain of " + writer;
    }
}
