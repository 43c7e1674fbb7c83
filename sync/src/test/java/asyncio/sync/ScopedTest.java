package asyncio.sync;

import static asyncio.Asyncio.async;
import static asyncio.Asyncio.await;
import static asyncio.Asyncio.createTask;
import static asyncio.Asyncio.sleep;
import static asyncio.sync.Style.errorOf;
import static asyncio.sync.Style.tick;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import asyncio.Asyncio;
import asyncio.CancelledException;
import asyncio.EventLoop;
import asyncio.Task;
import asyncio.VirtualTime;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Consumer;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;
import reactor.core.CoreSubscriber;
import reactor.core.Disposable;
import reactor.core.publisher.BaseSubscriber;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.core.publisher.Operators;
import reactor.core.publisher.Sinks;
import reactor.test.StepVerifier;
import reactor.test.publisher.TestPublisher;
import reactor.util.context.Context;

/** {@code withLock} and {@code withPermit}. */
@Timeout(60)
class ScopedTest {
    private final List<String> log = new ArrayList<>();

    private static <T> Mono<T> whileHeld(Kind kind, Mono<T> mono) {
        return mono.doOnEach(signal -> assertThat(kind.free()).isFalse());
    }

    @ParameterizedTest
    @MethodSource("asyncio.sync.Kind#all")
    @DisplayName("it is released when the work completes, empty or not, and before that is signalled")
    void complete(Kind kind) {
        StepVerifier.create(kind.with(whileHeld(kind, Mono.just(1)))
                        .doFinally(end -> assertThat(kind.free()).isTrue()))
                .expectNext(1)
                .verifyComplete();
        StepVerifier.create(kind.with(whileHeld(kind, Mono.empty()))).verifyComplete();
        StepVerifier.create(kind.with(Flux.range(0, 3)
                                .doOnNext(x -> assertThat(kind.free()).isFalse()))
                        .doOnComplete(() -> assertThat(kind.free()).isTrue()))
                .expectNext(0, 1, 2)
                .verifyComplete();
        assertThat(kind.free()).isTrue();
    }

    @ParameterizedTest
    @MethodSource("asyncio.sync.Kind#all")
    @DisplayName("it is released when the work fails, before that is signalled")
    void error(Kind kind) {
        StepVerifier.create(kind.with(Mono.error(new IOException("disk")))
                        .doOnError(e -> assertThat(kind.free()).isTrue()))
                .verifyErrorMessage("disk");
        StepVerifier.create(kind.with(Flux.just(1).concatWith(Mono.error(new IOException("disk")))))
                .expectNext(1)
                .verifyErrorMessage("disk");
        assertThat(kind.free()).isTrue();
    }

    @ParameterizedTest
    @MethodSource("asyncio.sync.Kind#all")
    @DisplayName("a source that throws instead of subscribing, at once or later, is an error downstream, and releases")
    void throwing(Kind kind) {
        Mono<Integer> throwing = new Mono<>() {
            @Override
            public void subscribe(CoreSubscriber<? super Integer> actual) {
                throw new IllegalStateException("thrown by subscribe");
            }
        };
        Mono<Integer> late = new Mono<>() {
            @Override
            public void subscribe(CoreSubscriber<? super Integer> actual) {
                actual.onSubscribe(Operators.emptySubscription());
                throw new IllegalStateException("thrown by subscribe");
            }
        };
        for (Mono<Integer> source : List.of(throwing, late, Mono.<Integer>defer(() -> {
            throw new IllegalStateException("thrown by subscribe");
        }))) {
            StepVerifier.create(kind.with(source)).verifyErrorMessage("thrown by subscribe");
            assertThat(kind.free()).isTrue();
            StepVerifier.create(kind.with(source.flux())).verifyErrorMessage("thrown by subscribe");
            assertThat(kind.free()).isTrue();
            Permit permit = kind.take();
            StepVerifier.create(kind.with(source)).then(permit::release).verifyErrorMessage("thrown by subscribe");
            assertThat(kind.free()).isTrue();
        }
    }

    @ParameterizedTest
    @MethodSource("asyncio.sync.Kind#all")
    @DisplayName("disposing releases in every state: before the request, while waiting, while working, afterwards")
    void dispose(Kind kind) {
        for (boolean flux : new boolean[] {false, true}) {
            AtomicReference<Boolean> cancelled = new AtomicReference<>(false);
            Mono<Integer> work = Mono.<Integer>never().doOnCancel(() -> cancelled.set(true));
            Flux<Integer> scoped =
                    flux ? kind.with(work.flux()) : kind.with(work).flux();
            BaseSubscriber<Integer> lazy = new BaseSubscriber<>() {
                @Override
                protected void hookOnSubscribe(org.reactivestreams.Subscription subscription) {}
            };
            scoped.subscribe(lazy);
            assertThat(kind.free()).as("nothing was requested").isTrue();
            lazy.dispose();
            lazy.request(1);
            assertThat(kind.free()).isTrue();

            Permit permit = kind.take();
            Disposable waiting = scoped.subscribe();
            waiting.dispose();
            permit.release();
            assertThat(kind.free()).isTrue();
            assertThat(cancelled.get()).as("it never began").isFalse();

            Disposable working = scoped.subscribe();
            assertThat(kind.free()).isFalse();
            working.dispose();
            working.dispose();
            assertThat(kind.free()).isTrue();
            assertThat(cancelled.get()).isTrue();

            permit = kind.take();
            working = scoped.subscribe();
            permit.release();
            assertThat(kind.free()).isFalse();
            working.dispose();
            assertThat(kind.free()).isTrue();
        }
    }

    @ParameterizedTest
    @MethodSource("asyncio.sync.Kind#all")
    @DisplayName(
            "cancelled from within a source that emits while it is subscribed to, it is released once that is over")
    void cancelWhileSubscribing(Kind kind) {
        List<Integer> got = new ArrayList<>();
        kind.with(Flux.range(0, 100).doOnNext(x -> assertThat(kind.free()).isFalse()))
                .take(3)
                .subscribe(got::add);
        assertThat(got).containsExactly(0, 1, 2);
        assertThat(kind.free()).isTrue();
        BaseSubscriber<Integer> cancels = new BaseSubscriber<>() {
            @Override
            protected void hookOnNext(Integer value) {
                got.add(value);
                cancel();
            }
        };
        kind.with(Mono.just(7)).subscribe(cancels);
        assertThat(got).endsWith(7);
        assertThat(kind.free()).isTrue();
        Permit permit = kind.take();
        kind.with(Flux.range(0, 100)).take(2).subscribe(got::add);
        permit.release();
        assertThat(got).endsWith(0, 1);
        assertThat(kind.free()).isTrue();
    }

    @ParameterizedTest
    @MethodSource("asyncio.sync.Kind#all")
    @DisplayName("demand passes through: a Flux emits no more than was requested")
    void demand(Kind kind) {
        Permit permit = kind.take();
        TestPublisher<Integer> source = TestPublisher.create();
        StepVerifier.create(kind.with(source.flux()), 0)
                .expectSubscription()
                .thenRequest(2)
                .thenRequest(3)
                .then(() -> {
                    source.assertWasNotSubscribed();
                    permit.release();
                    source.assertMinRequested(5);
                    source.next(1, 2, 3, 4, 5);
                })
                .expectNext(1, 2, 3, 4, 5)
                .thenRequest(1)
                .then(() -> source.emit(6))
                .expectNext(6)
                .verifyComplete();
        assertThat(kind.free()).isTrue();
        StepVerifier.create(kind.with(Flux.range(0, 10)), 3)
                .expectNext(0, 1, 2)
                .then(() -> assertThat(kind.free()).isFalse())
                .thenCancel()
                .verify();
        assertThat(kind.free()).isTrue();
    }

    @ParameterizedTest
    @MethodSource("asyncio.sync.Kind#all")
    @DisplayName("a cancelled body keeps it until its finally has ended, and the task that awaits goes on only then")
    void slowFinally(Kind kind) throws Exception {
        VirtualTime.run(() -> {
            for (Style style : Style.values()) {
                log.clear();
                Task<Void> task = createTask(
                        style.of(kind.with(slowToEnd(kind))).doFinally(end -> log.add("downstream: " + kind.free())));
                tick();
                tick();
                assertThat(kind.free()).isFalse();
                task.cancel();
                assertThat(errorOf(task)).isInstanceOf(CancelledException.class);
                assertThat(log).contains("finally: false");
                assertThat(kind.free()).isTrue();
            }
        });
    }

    private Mono<Void> slowToEnd(Kind kind) {
        return async(() -> {
            try {
                await(sleep(Duration.ofHours(1)));
            } finally {
                await(sleep(Duration.ofSeconds(3)));
                log.add("finally: " + kind.free());
            }
        });
    }

    @ParameterizedTest
    @MethodSource("asyncio.sync.Kind#all")
    @DisplayName("the same behind an operator that cancels, such as timeout and takeUntilOther")
    void slowFinallyBehindOperators(Kind kind) throws Exception {
        VirtualTime.run(() -> {
            EventLoop loop = EventLoop.getRunningLoop();
            Duration start = loop.time();
            Mono<Void> timedOut = kind.with(slowToEnd(kind)).timeout(Duration.ofSeconds(1), loop.scheduler());
            assertThatThrownBy(() -> await(timedOut)).isInstanceOf(TimeoutException.class);
            assertThat(loop.time().minus(start)).isEqualTo(Duration.ofSeconds(4));
            assertThat(log).containsExactly("finally: false");
            assertThat(kind.free()).isTrue();
            // nested: the outer one is not released before the inner one's work has ended
            Lock outer = new Lock();
            Task<Void> task = createTask(outer.withLock(kind.with(slowToEnd(kind))));
            tick();
            tick();
            Task<Boolean> next = createTask(outer.withLock(Mono.fromCallable(kind::free)));
            task.cancel();
            assertThat(await(next)).as("free when the next one runs").isTrue();
            assertThat(log).containsExactly("finally: false", "finally: false");
            assertThat(outer.locked()).isFalse();
        });
    }

    @Test
    @DisplayName("in order: the end is signalled before the next one's work begins")
    void order() {
        Lock lock = new Lock();
        Sinks.One<Integer> first = Sinks.one();
        lock.withLock(first.asMono()).subscribe(x -> log.add("first"), e -> {}, () -> log.add("first ended"));
        for (int i = 2; i < 4; i++) {
            int n = i;
            lock.withLock(Mono.fromRunnable(() -> log.add(n + " works")))
                    .subscribe(x -> {}, e -> {}, () -> log.add(n + " ended"));
        }
        first.tryEmitValue(1);
        assertThat(log).containsExactly("first", "first ended", "2 works", "2 ended", "3 works", "3 ended");
        assertThat(lock.locked()).isFalse();
    }

    @ParameterizedTest
    @EnumSource(Style.class)
    @DisplayName("the Context of the one who waits is that of the work, before and after a suspension")
    void context(Style style) throws Exception {
        Lock lock = new Lock();
        Mono<String> work = Mono.deferContextual(context -> Mono.just(context.get("who")));
        Asyncio.run(() -> {
            for (int i = 0; i < 2; i++) {
                Permit mine = i == 0 ? null : await(lock.acquire());
                Task<String> task = EventLoop.getRunningLoop()
                        .createTask(style.of(lock.withLock(work)), "t", Context.of("who", "me"));
                Task<String> inner = createTask(lock.acquire()
                        .flatMap(permit -> work.doFinally(end -> permit.release()))
                        .contextWrite(Context.of("who", "inner")));
                tick();
                if (mine != null) {
                    mine.release();
                }
                assertThat(await(task)).isEqualTo("me");
                assertThat(await(inner)).isEqualTo("inner");
            }
        });
        assertThat(lock.withLock(work).contextWrite(Context.of("who", "off")).block())
                .isEqualTo("off");
        assertThat(lock.locked()).isFalse();
    }

    @Test
    @DisplayName("a release that is refused, since the work released too much, is an error of the scope")
    void refusedRelease() throws Exception {
        BoundedSemaphore semaphore = new BoundedSemaphore(1);
        Mono<Integer> sync = semaphore.withPermit(Mono.fromCallable(() -> {
            semaphore.release();
            return 1;
        }));
        Sinks.Empty<Integer> end = Sinks.empty();
        Mono<Integer> late = semaphore.withPermit(end.asMono().doOnTerminate(semaphore::release));
        StepVerifier.create(sync).expectNext(1).verifyError(IllegalStateException.class);
        StepVerifier.create(late).then(end::tryEmitEmpty).verifyError(IllegalStateException.class);
        assertThatThrownBy(() -> Asyncio.run(() -> await(sync))).isInstanceOf(IllegalStateException.class);
        List<Throwable> dropped = new ArrayList<>();
        semaphore
                .withPermit(Mono.never().doOnCancel(semaphore::release))
                .contextWrite(Context.of("reactor.onErrorDropped.local", (Consumer<Throwable>) dropped::add))
                .subscribe()
                .dispose();
        assertThat(dropped).singleElement().isInstanceOf(IllegalStateException.class);
        assertThat(semaphore.permits()).isEqualTo(1);
    }

    @ParameterizedTest
    @MethodSource("asyncio.sync.Kind#all")
    @DisplayName(
            "work of which an operator inside disposes is waited for: it holds the lock until its clean-up is done")
    void disposedOfInside(Kind kind) throws Exception {
        VirtualTime.run(() -> {
            Mono<Void> work = async(() -> {
                try {
                    await(sleep(Duration.ofHours(1)));
                } finally {
                    await(sleep(Duration.ofMillis(300)));
                    log.add("cleaned up, free: " + kind.free());
                }
            });
            Mono<Void> limited = Mono.defer(() -> work.timeout(
                    Duration.ofMillis(10),
                    Mono.empty(),
                    EventLoop.getRunningLoop().scheduler()));
            await(createTask(kind.with(limited).doOnTerminate(() -> log.add("over, free: " + kind.free()))));
            assertThat(log).containsExactly("cleaned up, free: false", "over, free: true");
        });
    }

    @ParameterizedTest
    @MethodSource("asyncio.sync.Kind#all")
    @DisplayName(
            "a body that two threads cut off at once is over, and the lock free, when the task ends that awaits it")
    void cutOffByTwo(Kind kind) throws Exception {
        long seed = Long.getLong("asyncio.test.seed", System.nanoTime());
        Random random = new Random(seed);
        int held = Asyncio.run(() -> {
            int heldAtTheEnd = 0;
            for (int i = 0; i < 1_000; i++) {
                Duration limit = Duration.ofNanos(50_000 + random.nextInt(50_000));
                Mono<Void> work = async(() -> {
                    await(sleep(Duration.ofHours(1)));
                });
                errorOf(createTask(kind.with(work).timeout(limit).timeout(limit)));
                heldAtTheEnd += kind.free() ? 0 : 1;
            }
            return heldAtTheEnd;
        });
        assertThat(held)
                .as("of 1000 tasks that ended before the release, seed %d", seed)
                .isZero();
    }
}
