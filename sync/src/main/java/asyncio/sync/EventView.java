package asyncio.sync;

import java.time.Duration;
import java.util.Objects;
import reactor.core.publisher.Mono;

/** An event of this process, with the methods of one on a server. */
final class EventView implements AsyncEvent {
    final Event event;

    EventView(Event event) {
        this.event = Objects.requireNonNull(event, "event");
    }

    @Override
    public Mono<Void> await() {
        return event.await();
    }

    @Override
    public Mono<Void> await(Duration limit) {
        return event.await(limit);
    }

    @Override
    public Mono<Void> set() {
        return Mono.fromRunnable(event::set);
    }

    @Override
    public Mono<Void> clear() {
        return Mono.fromRunnable(event::clear);
    }

    @Override
    public Mono<Boolean> isSet() {
        return Mono.fromSupplier(event::isSet);
    }

    @Override
    public String toString() {
        return event.toString();
    }
}
