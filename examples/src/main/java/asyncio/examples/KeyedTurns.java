package asyncio.examples;

import asyncio.sync.KeyedLock;
import java.time.Duration;
import java.util.function.Function;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/**
 * Limits the calls of a service by key: for each key one at a time, and no sooner than a pause after the last one
 * began. Calls for other keys run meanwhile.
 *
 * @param <K> the type of the keys
 * @param <R> the type of the replies
 */
public final class KeyedTurns<K, R> {
    private final KeyedLock<K> turns = new KeyedLock<>();
    private final Function<? super K, Mono<R>> service;
    private final Duration pause;

    /** Limits {@code service}; begins a key's calls {@code pause} apart. */
    public KeyedTurns(Function<? super K, Mono<R>> service, Duration pause) {
        this.service = service;
        this.pause = pause;
    }

    /** Calls the service when it is this key's turn. A call that is cancelled leaves its turn to the next. */
    public Mono<R> call(K key) {
        Mono<R> call = Mono.defer(() -> service.apply(key));
        Mono<R> paced = Mono.zip(call, Mono.delay(pause), (reply, tick) -> reply);
        return turns.withLock(key, paced);
    }

    /** Returns the number of keys with current calls. */
    public int keys() {
        return turns.size();
    }

    /** Twelve calls for three customers. */
    public static void main(String[] args) {
        long start = System.nanoTime();
        KeyedTurns<String, String> quotes = new KeyedTurns<>(
                customer -> Mono.just("a quote for " + customer).delayElement(Duration.ofMillis(30)),
                Duration.ofMillis(100));
        Flux.range(0, 12)
                .flatMap(i -> quotes.call("customer " + i % 3))
                .doOnNext(quote -> System.out.printf(
                        "%4d ms  %s%n",
                        Duration.ofNanos(System.nanoTime() - start).toMillis(), quote))
                .blockLast();
    }
}
