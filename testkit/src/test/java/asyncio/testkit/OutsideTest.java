package asyncio.testkit;

import static asyncio.Asyncio.all;
import static asyncio.Asyncio.asCompleted;
import static asyncio.Asyncio.async;
import static asyncio.Asyncio.await;
import static asyncio.Asyncio.cleanup;
import static asyncio.Asyncio.createTask;
import static asyncio.Asyncio.gather;
import static asyncio.Asyncio.mapConcurrent;
import static asyncio.Asyncio.race;
import static asyncio.Asyncio.shield;
import static asyncio.Asyncio.waitFor;
import static asyncio.Asyncio.waitTasks;
import static asyncio.Asyncio.wrapFuture;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowable;

import asyncio.EventLoop;
import asyncio.Future;
import asyncio.ReturnWhen;
import asyncio.Task;
import asyncio.TaskGroup;
import asyncio.bridge.Callbacks;
import asyncio.queue.Queue;
import asyncio.sync.KeyedLock;
import asyncio.sync.Lock;
import asyncio.sync.ReadWriteLock;
import asyncio.sync.Semaphore;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/** In virtual time: waiting for third-party code is no deadlock, waiting for this library's own is one. */
@Timeout(60)
class OutsideTest {
    /** Ends in real time, on one of Reactor's threads. */
    private static Mono<Long> foreign() {
        return Flux.interval(Duration.ofMillis(30)).take(2).last();
    }

    private static CompletableFuture<Long> foreignFuture() {
        return CompletableFuture.supplyAsync(
                () -> 1L, CompletableFuture.delayedExecutor(50, TimeUnit.MILLISECONDS, Runnable::run));
    }

    /** Keeps the pairs reachable. */
    private static final List<MemoryPair> PAIRS = new ArrayList<>();

    enum WaitsForOthers {
        WITH_PERMIT(() -> new Semaphore(1).withPermit(foreign())),
        WITH_LOCKS(() -> new Semaphore(1).withPermit(new Lock().withLock(foreign()))),
        WITH_LOCK_AND_OPERATOR(
                () -> new Semaphore(1).withPermit(new Lock().withLock(foreign()).map(x -> x))),
        KEYED(() -> new KeyedLock<String>().withLock("key", foreign())),
        READ(() -> new ReadWriteLock().readLock().withLock(foreign())),
        PUT_ALL(() -> Queue.<Long>unbounded().putAll(foreign())),
        PUT_ALL_IN_LOCK(() -> new Lock()
                .withLock(Queue.<Long>unbounded()
                        .putAll(Flux.interval(Duration.ofMillis(30)).take(2)))),
        WRITE_FROM(() -> {
            MemoryPair pair = MemoryPair.open();
            PAIRS.add(pair);
            return pair.client().writer().writeFrom(foreign().map(x -> new byte[1]));
        }),
        CALLBACK_IN_LOCK(() -> new Lock().withLock(Callbacks.<Long>mono(callback -> {
            callback.onDispose(foreign().subscribe(callback::success));
        }))),
        CLEANUP(() -> Mono.usingWhen(Mono.just(1), x -> Mono.just(1), x -> cleanup(foreign()))),
        CLEANUP_OF_CANCELLED(() -> Mono.usingWhen(Mono.just(1), x -> Mono.never(), x -> cleanup(foreign()))
                .timeout(Duration.ofMillis(10))
                .onErrorComplete()),
        CLEANUP_IN_LOCK(() -> new Lock()
                .withLock(Mono.usingWhen(Mono.just(1), x -> Mono.never(), x -> cleanup(foreign())))
                .timeout(Duration.ofMillis(10))
                .onErrorComplete()),
        GROUP(() -> TaskGroup.scope(group -> {
            group.createTask(new Lock().withLock(foreign()));
            return Mono.empty();
        })),
        GATHER(() -> new Lock().withLock(gather(foreign(), new Lock().withLock(foreign())))),
        GATHER_FUTURE(() -> gather(wrapFuture(foreignFuture()))),
        GATHER_FUTURE_IN_LOCK(() -> new Lock().withLock(gather(wrapFuture(foreignFuture())))),
        ALL(() -> all(new Lock().withLock(foreign()))),
        RACE(() -> race(wrapFuture(foreignFuture()), Mono.never())),
        SHIELD(() -> shield(new Lock().withLock(foreign()))),
        SHIELD_FUTURE(() -> shield(wrapFuture(foreignFuture()))),
        SHIELD_FUTURE_IN_LOCK(() -> new Lock().withLock(shield(wrapFuture(foreignFuture())))),
        WAIT_FOR(() -> waitFor(new Lock().withLock(foreign()), null)),
        WAIT_TASKS(() -> waitTasks(List.of(wrapFuture(foreignFuture())), ReturnWhen.ALL_COMPLETED)),
        WAIT_TASKS_IN_LOCK(
                () -> new Lock().withLock(waitTasks(List.of(wrapFuture(foreignFuture())), ReturnWhen.ALL_COMPLETED))),
        AS_COMPLETED(() -> new Lock()
                .withLock(asCompleted(List.of(new Lock().withLock(foreign()))).then())),
        MAP_CONCURRENT(() -> new Lock()
                .withLock(mapConcurrent(Flux.just(1), 1, x -> new Lock().withLock(foreign()))
                        .then())),
        FUTURE_IN_LOCK(() -> new Lock().withLock(wrapFuture(foreignFuture()))),
        TASK_OF_ANOTHER_LOOP(() -> new Lock().withLock(onAnotherLoop()));

        private final Supplier<Mono<?>> mono;

        WaitsForOthers(Supplier<Mono<?>> mono) {
            this.mono = mono;
        }
    }

    private static Future<Long> onAnotherLoop() {
        return EventLoop.shared().next().createTask(foreign());
    }

    @ParameterizedTest
    @EnumSource
    @DisplayName("what waits for others, through something of ours, is waited for")
    void noDeadlock(WaitsForOthers what) throws Exception {
        for (boolean inBody : new boolean[] {true, false}) {
            try (VirtualTimeLoop time = VirtualTimeLoop.create()) {
                time.run(() -> {
                    Mono<?> mono = what.mono.get();
                    await(createTask(inBody ? async(() -> await(mono)) : mono));
                    PAIRS.forEach(MemoryPair::close);
                    PAIRS.clear();
                });
                assertThat(time.clock().now()).isZero();
            }
        }
    }

    enum WaitsForItself {
        WITH_PERMIT(() -> new Semaphore(0).withPermit(foreign())),
        WITH_LOCKS(() -> {
            Lock lock = new Lock();
            return lock.withLock(new Lock().withLock(lock.withLock(foreign())));
        }),
        PUT_ALL(() -> new Queue<Integer>(1).putAll(Flux.range(0, 3))),
        PUT_ALL_TO_NOBODY(() -> new Queue<Integer>(1).putAll(Flux.concat(Flux.range(0, 3), Flux.never()))),
        GATHER(() -> gather(new Semaphore(0).acquire(), Mono.just(1))),
        SHIELD(() -> shield(Queue.unbounded().get())),
        CLEANUP(() -> Mono.usingWhen(Mono.just(1), x -> Mono.never(), x -> cleanup(new Semaphore(0).acquire()))
                .timeout(Duration.ofMillis(10))),
        CYCLE(() -> {
            List<Task<Void>> tasks = new ArrayList<>();
            tasks.add(createTask(new Lock().withLock(Mono.defer(() -> tasks.get(1)))));
            tasks.add(createTask(new Lock().withLock(Mono.defer(() -> tasks.get(0)))));
            return tasks.get(0);
        });

        private final Supplier<Mono<?>> mono;

        WaitsForItself(Supplier<Mono<?>> mono) {
            this.mono = mono;
        }
    }

    @ParameterizedTest
    @EnumSource
    @DisplayName("what waits for our own things in vain is a deadlock")
    void deadlock(WaitsForItself what) {
        for (boolean inBody : new boolean[] {true, false}) {
            VirtualTimeLoop time = VirtualTimeLoop.create();
            assertThatThrownBy(() -> time.run(() -> {
                        Mono<?> mono = what.mono.get();
                        await(createTask(inBody ? async(() -> await(mono)) : mono));
                    }))
                    .isInstanceOf(DeadlockError.class);
            catchThrowable(time::close); // reports the work that cannot end
        }
    }
}
