package asyncio.queue;

import java.util.Objects;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/** A broadcast of this process, with the methods of one on a server. */
final class BroadcastView<T> implements AsyncBroadcast<T> {
    private final Broadcast<T> broadcast;

    BroadcastView(Broadcast<T> broadcast) {
        this.broadcast = Objects.requireNonNull(broadcast, "broadcast");
    }

    @Override
    public Mono<Void> send(T item) {
        return broadcast.send(item);
    }

    @Override
    public Flux<T> asFlux(int capacity) {
        return broadcast.asFlux(capacity, Broadcast.Overflow.DISCONNECT);
    }

    @Override
    public String toString() {
        return broadcast.toString();
    }
}
