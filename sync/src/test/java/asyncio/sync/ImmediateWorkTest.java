package asyncio.sync;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.BiFunction;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.reactivestreams.Subscription;
import reactor.core.CoreSubscriber;
import reactor.core.Disposable;
import reactor.core.Exceptions;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.test.StepVerifier;
import reactor.util.context.Context;

/** Work under a permit that is a single call: it is called, without a subscription of its own. */
@Timeout(60)
class ImmediateWorkTest {
    private final Lock lock = new Lock();

    static Stream<Lockable> locks() {
        return Stream.of(new Lock(), new KeyedLock<>().lock("key"), new ReadWriteLock().readLock());
    }

    @ParameterizedTest
    @MethodSource("locks")
    void runsWithTheLockAndReleasesItBeforeTheEnd(Lockable lock) {
        List<String> seen = new ArrayList<>();
        lock.withLock(Mono.fromCallable(() -> "locked: " + lock.locked()))
                .doOnNext(value -> seen.add(value + ", at onNext: " + lock.locked()))
                .doOnSuccess(value -> seen.add("at the end: " + lock.locked()))
                .block();
        assertThat(seen).contains("locked: true, at onNext: true");
        assertThat(lock.locked()).isFalse();
    }

    @Test
    void nothingRunsBeforeTheRequest() {
        AtomicInteger calls = new AtomicInteger();
        StepVerifier.create(lock.withLock(Mono.fromCallable(calls::incrementAndGet)), 0)
                .expectSubscription()
                .then(() -> assertThat(calls).hasValue(0))
                .thenRequest(1)
                .expectNext(1)
                .verifyComplete();
    }

    @Test
    void emptyWork() {
        StepVerifier.create(lock.withLock(
                        Mono.fromRunnable(() -> assertThat(lock.locked()).isTrue())))
                .verifyComplete();
        StepVerifier.create(lock.withLock(Flux.empty())).verifyComplete();
        StepVerifier.create(lock.withLock(Flux.just(7))).expectNext(7).verifyComplete();
        assertThat(lock.locked()).isFalse();
    }

    @Test
    void anErrorReleases() {
        StepVerifier.create(lock.withLock(Mono.fromCallable(() -> {
                    throw new IOException("disk full");
                })))
                .verifyErrorMatches(error -> error instanceof IOException && !lock.locked());
    }

    @Test
    void aFatalErrorReleasesAndIsThrown() {
        Mono<Object> work = lock.withLock(Mono.fromCallable(() -> {
            throw new LinkageError("fatal");
        }));
        assertThatThrownBy(work::subscribe).isInstanceOf(LinkageError.class);
        assertThat(lock.locked()).isFalse();
    }

    /** It was not thrown by a call: no hook sees it, and a fatal one is signalled as well. */
    @Test
    void anErrorThatIsTheWorkIsSignalledAsItIs() {
        List<Throwable> errors = List.of(
                new IOException("disk full"),
                new AssertionError("no exception"),
                new LinkageError("fatal"),
                Exceptions.propagate(new IOException("wrapped")));
        for (Throwable error : errors) {
            List<Throwable> hooked = new ArrayList<>();
            BiFunction<Throwable, Object, Throwable> hook = (e, data) -> {
                hooked.add(e);
                return e;
            };
            StepVerifier.create(lock.withLock(Mono.error(error))
                            .contextWrite(Context.of("reactor.onOperatorError.local", hook)))
                    .verifyErrorMatches(e -> e == error);
            assertThat(hooked).isEmpty();
            assertThat(lock.locked()).isFalse();
        }
    }

    /** The value that comes after the cancellation is discarded, and the lock is free. */
    @Test
    void workThatCancelsItself() {
        List<Object> discarded = new ArrayList<>();
        List<Object> signals = new ArrayList<>();
        Subscription[] subscription = new Subscription[1];
        Mono<String> work = lock.withLock(Mono.fromCallable(() -> {
            subscription[0].cancel();
            assertThat(lock.locked()).as("until the work is done").isTrue();
            return "late";
        }));
        work.subscribe(new CoreSubscriber<>() {
            @Override
            public Context currentContext() {
                return Context.of("reactor.onDiscard.local", (java.util.function.Consumer<Object>) discarded::add);
            }

            @Override
            public void onSubscribe(Subscription s) {
                subscription[0] = s;
                s.request(1);
            }

            @Override
            public void onNext(String value) {
                signals.add(value);
            }

            @Override
            public void onError(Throwable error) {
                signals.add(error);
            }

            @Override
            public void onComplete() {
                signals.add("end");
            }
        });
        assertThat(signals).isEmpty();
        assertThat(discarded).containsExactly("late");
        assertThat(lock.locked()).isFalse();
    }

    @Test
    void theNextInLineGetsTheLockAfterTheEnd() {
        List<String> order = new ArrayList<>();
        Permit first = lock.acquire().block();
        lock.withLock(Mono.fromRunnable(() -> order.add("second")))
                .subscribe(null, null, () -> order.add("end of second"));
        lock.withLock(Mono.fromRunnable(() -> order.add("third"))).subscribe();
        first.release();
        assertThat(order).containsExactly("second", "end of second", "third");
        assertThat(lock.locked()).isFalse();
    }

    /** A dispose from another thread, at any moment: the lock is free in the end, and at most one is in. */
    @Test
    void disposedOfAtAnyMoment() throws Exception {
        AtomicInteger inside = new AtomicInteger();
        for (int i = 0; i < 5_000; i++) {
            CyclicBarrier begin = new CyclicBarrier(2);
            Disposable.Swap running = reactor.core.Disposables.swap();
            Thread other = new Thread(() -> {
                await(begin);
                running.dispose();
            });
            other.start();
            Mono<Integer> work = lock.withLock(Mono.fromCallable(() -> {
                assertThat(inside.incrementAndGet()).isEqualTo(1);
                return inside.decrementAndGet();
            }));
            await(begin);
            running.update(work.subscribe());
            Permit permit = lock.acquire().block();
            permit.release();
            other.join();
            assertThat(lock.locked()).as("round " + i).isFalse();
        }
    }

    private static void await(CyclicBarrier barrier) {
        try {
            barrier.await();
        } catch (Exception e) {
            throw new AssertionError(e);
        }
    }
}
