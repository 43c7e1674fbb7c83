package asyncio.bridge;

import static asyncio.Asyncio.await;
import static asyncio.bridge.Cancellation.PROPAGATE;
import static org.assertj.core.api.Assertions.assertThat;

import asyncio.Asyncio;
import asyncio.EventLoop;
import io.micrometer.context.ContextRegistry;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.util.context.Context;

/** A ThreadLocal registered with context-propagation, across each bridge. */
@ExtendWith(LeakCheck.class)
class ThreadLocalsTest {
    private static final ThreadLocal<String> USER = new ThreadLocal<>();

    @BeforeEach
    void register() {
        ContextRegistry.getInstance().registerThreadLocalAccessor("user", USER);
    }

    @AfterEach
    void remove() {
        ContextRegistry.getInstance().removeThreadLocalAccessor("user");
        USER.remove();
        EventLoop.shutdownShared(Duration.ofSeconds(10));
    }

    private static Mono<String> userOfContext() {
        return Mono.deferContextual(context -> Mono.just(context.<String>get("user")));
    }

    @Test
    void aRegistrationSeesThoseOfTheSubscribersContextAndNobodyAfterIt() {
        List<String> seen = new ArrayList<>();
        Callbacks.<Integer>mono(callback -> {
                    seen.add(USER.get());
                    callback.success(1);
                })
                .contextWrite(Context.of("user", "ann"))
                .block();
        Listeners.<Integer>flux(Overflow.latest(), sink -> {
                    seen.add(USER.get());
                    sink.complete();
                })
                .contextWrite(Context.of("user", "bob"))
                .blockLast();
        assertThat(seen).containsExactly("ann", "bob");
        assertThat(USER.get()).isNull();
    }

    @Test
    void aBlockingCallSeesThem() {
        assertThat(Blocking.mono(USER::get, PROPAGATE)
                        .contextWrite(Context.of("user", "ann"))
                        .block())
                .isEqualTo("ann");
    }

    @Test
    void aMonoThatIsStartedByPlainCodeSeesThoseOfThatCode() throws Exception {
        USER.set("ann");
        assertThat(Futures.toCompletableFuture(userOfContext(), PROPAGATE)).isCompletedWithValue("ann");
        List<String> seen = new ArrayList<>();
        Callbacks.whenComplete(userOfContext(), (user, error) -> seen.add(user), PROPAGATE);
        Listeners.push(userOfContext(), seen::add, end -> {});
        assertThat(seen).containsExactly("ann", "ann");
        try (BlockingPortal portal = BlockingPortal.start()) {
            assertThat(portal.<String>call(userOfContext())).isEqualTo("ann");
            assertThat(portal.<String>call(() -> Asyncio.currentContext().get("user")))
                    .isEqualTo("ann");
        }
    }

    @Test
    void aCallbackFromAnotherThreadSeesThoseOfTheOneWhoRegistered() throws Exception {
        CompletableFuture<Integer> source = new CompletableFuture<>();
        CompletableFuture<String> callback = new CompletableFuture<>();
        CompletableFuture<String> pushed = new CompletableFuture<>();
        USER.set("ann");
        Callbacks.whenComplete(Mono.fromFuture(source), (value, error) -> callback.complete(USER.get()), PROPAGATE);
        Listeners.push(Flux.from(Mono.fromFuture(source)), item -> pushed.complete(USER.get()), end -> {});
        CompletableFuture<String> dependent =
                Futures.toCompletableFuture(Mono.fromFuture(source), PROPAGATE).thenApply(value -> USER.get());
        USER.remove();
        Thread thread = new Thread(() -> source.complete(1));
        thread.start();
        thread.join();
        assertThat(callback.get()).isEqualTo("ann");
        assertThat(pushed.get()).isEqualTo("ann");
        assertThat(dependent.get()).isEqualTo("ann");
    }

    @Test
    void aLoopIsNotLeftWithThem() throws Exception {
        Asyncio.run(() -> {
            await(Callbacks.<Integer>mono(callback -> callback.success(1)).contextWrite(Context.of("user", "ann")));
            assertThat(USER.get()).isNull();
        });
    }
}
