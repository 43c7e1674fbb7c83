package asyncio.queue;

import java.time.Duration;
import java.util.Objects;
import java.util.function.Function;
import reactor.core.publisher.Mono;

/** A queue of this process, with the methods of one on a server. */
final class QueueView<T> implements AsyncQueue<T> {
    private final Queue<T> queue;

    QueueView(Queue<T> queue) {
        this.queue = Objects.requireNonNull(queue, "queue");
    }

    @Override
    public Mono<Void> put(T item) {
        return queue.put(item);
    }

    @Override
    public Mono<Void> put(T item, Duration limit) {
        return queue.put(item, limit);
    }

    @Override
    public <R> Mono<R> process(Function<? super T, ? extends Mono<R>> work) {
        Objects.requireNonNull(work, "work");
        return Mono.usingWhen(
                Mono.defer(queue::get), // none is made for a subscription that does not come
                item -> Mono.defer(() -> work.apply(item)),
                item -> Mono.fromRunnable(queue::taskDone));
    }

    @Override
    public Mono<Void> join() {
        return queue.join();
    }

    @Override
    public Mono<Void> shutdown(boolean immediate) {
        return Mono.fromRunnable(() -> queue.shutdown(immediate));
    }

    @Override
    public Mono<Boolean> isShutdown() {
        return Mono.fromSupplier(queue::isShutdown);
    }

    @Override
    public String toString() {
        return queue.toString();
    }
}
