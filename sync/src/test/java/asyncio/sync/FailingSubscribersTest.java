package asyncio.sync;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowable;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.reactivestreams.Subscription;
import reactor.core.CoreSubscriber;
import reactor.core.publisher.Mono;
import reactor.core.publisher.Sinks;

/** An Error of one subscriber, on the thread that releases it, does not keep the others from being notified. */
@Timeout(60)
class FailingSubscribersTest {
    private final List<String> told = new ArrayList<>();

    /** Off every loop, subscribers are signalled by the thread that releases them. */
    private void subscribe(Mono<?> mono, String name) {
        mono.subscribe(new CoreSubscriber<Object>() {
            @Override
            public void onSubscribe(Subscription subscription) {
                subscription.request(1);
            }

            @Override
            public void onNext(Object value) {}

            @Override
            public void onError(Throwable error) {
                told.add(name + " " + error);
            }

            @Override
            public void onComplete() {
                told.add(name);
                if (name.equals("a")) {
                    throw new LinkageError("of a subscriber");
                }
            }
        });
    }

    private void releasing(Mono<Permit> acquire, String name) {
        acquire.subscribe(permit -> {
            told.add(name);
            permit.release();
            if (name.equals("a")) {
                throw new LinkageError("of a subscriber");
            }
        });
    }

    @Test
    void ofAnEvent() {
        Event event = new Event();
        List.of("a", "b", "c").forEach(name -> subscribe(event.await(), name));
        assertThatThrownBy(event::set).isInstanceOf(LinkageError.class);
        assertThat(told).containsExactly("a", "b", "c");
    }

    @Test
    void ofASemaphore() {
        Semaphore semaphore = new Semaphore(3);
        Permit all = semaphore.acquire(3).block();
        List.of("a", "b", "c").forEach(name -> releasing(semaphore.acquire(), name));
        assertThatThrownBy(all::release).isInstanceOf(LinkageError.class);
        assertThat(told).containsExactly("a", "b", "c");
        assertThat(semaphore.tryAcquire(3)).isNotNull();
    }

    @Test
    void ofALock() {
        Lock lock = new Lock();
        Permit first = lock.acquire().block();
        List.of("a", "b", "c").forEach(name -> releasing(lock.acquire(), name));
        assertThatThrownBy(first::release).isInstanceOf(LinkageError.class);
        assertThat(told).containsExactly("a", "b", "c");
        assertThat(lock.locked()).isFalse();
    }

    @Test
    void ofABarrier() {
        Barrier barrier = new Barrier(3);
        List.of("a", "b").forEach(name -> subscribe(barrier.await(), name));
        catchThrowable(() -> subscribe(barrier.await(), "c"));
        assertThat(told).contains("a", "b");
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void ofAScope(boolean failing) {
        Lock lock = new Lock();
        Sinks.Empty<Void> work = Sinks.empty();
        lock.withLock(work.asMono()).subscribe(new CoreSubscriber<Object>() {
            @Override
            public void onSubscribe(Subscription subscription) {
                subscription.request(1);
            }

            @Override
            public void onNext(Object value) {}

            @Override
            public void onError(Throwable error) {
                told.add("a");
                throw new LinkageError("of a subscriber");
            }

            @Override
            public void onComplete() {
                told.add("a");
                throw new LinkageError("of a subscriber");
            }
        });
        releasing(lock.acquire(), "b");
        releasing(lock.acquire(), "c");
        assertThatThrownBy(() -> {
                    if (failing) {
                        work.tryEmitError(new IllegalStateException("of the work"));
                    } else {
                        work.tryEmitEmpty();
                    }
                })
                .isInstanceOf(LinkageError.class);
        assertThat(told).containsExactly("a", "b", "c");
        assertThat(lock.locked()).isFalse();
    }
}
