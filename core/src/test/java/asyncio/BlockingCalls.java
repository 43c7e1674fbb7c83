package asyncio;

import static asyncio.Asyncio.await;
import static asyncio.Asyncio.sleep;
import static org.assertj.core.api.Assertions.assertThat;

import asyncio.internal.loop.Seat;
import java.lang.reflect.Method;
import java.lang.reflect.Modifier;
import java.net.InetAddress;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.function.Function;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.DynamicTest;
import org.reactivestreams.Publisher;
import reactor.blockhound.BlockHound;
import reactor.blockhound.BlockingOperationError;
import reactor.core.Disposable;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.core.scheduler.Schedulers;

/** Finds calls that block a thread that runs a loop, with BlockHound: it needs its own JVM, see the parent's POM. */
public final class BlockingCalls {
    private static final List<BlockingOperationError> FOUND = new CopyOnWriteArrayList<>();

    private BlockingCalls() {}

    /** Makes each blocking call on a thread that runs a loop throw from now on; it is kept for {@link #found}. */
    public static void install() {
        BlockHound.builder()
                .loadIntegrations()
                .markAsBlocking(InetAddress.class, "getAllByName", "(Ljava/lang/String;)[Ljava/net/InetAddress;")
                .addDynamicThreadPredicate(thread -> true) // a thread that has the loop now may not have it soon
                .allowBlockingCallsInside(Seat.class.getName(), "awaitGrant") // handed the loop, and about to see it
                // these hold a lock for a moment, seldom contended
                .allowBlockingCallsInside(ThreadPoolExecutor.class.getName(), "execute")
                .allowBlockingCallsInside(ThreadPoolExecutor.class.getName(), "shutdown")
                // this reads from jars once, as class loading does; Reactor uses it as well
                .allowBlockingCallsInside("io.micrometer.context.ContextRegistry", "<clinit>")
                .nonBlockingThreadPredicate(others -> others.or(Schedulers::isNonBlockingThread))
                .blockingMethodCallback(method -> {
                    BlockingOperationError error = new BlockingOperationError(method);
                    FOUND.add(error);
                    throw error;
                })
                .install();
    }

    /** Returns the calls found since the last call. */
    public static List<BlockingOperationError> found() {
        List<BlockingOperationError> found = List.copyOf(FOUND);
        FOUND.clear();
        return found;
    }

    /**
     * Asserts that everything is tried: the public methods that return a Publisher, of all public classes that were
     * compiled into the same package and the same directory as {@code member}.
     *
     * @param tried each as {@code Class.method(Parameter, ...)}
     */
    public static void assertThatAllAreTried(Class<?> member, Set<String> tried) throws Exception {
        Set<String> untried = publishersBeside(member);
        Set<String> gone = new TreeSet<>(tried);
        gone.removeAll(untried);
        untried.removeAll(tried);
        assertThat(untried).as("methods that are not tried").isEmpty();
        assertThat(gone).as("methods that are not there any more").isEmpty();
    }

    private static Set<String> publishersBeside(Class<?> member) throws Exception {
        Path home = Path.of(member.getProtectionDomain()
                        .getCodeSource()
                        .getLocation()
                        .toURI())
                .resolve(member.getPackageName().replace('.', '/'));
        Set<String> methods = new TreeSet<>();
        for (String file : Objects.requireNonNull(home.toFile().list(), home::toString)) {
            if (file.endsWith(".class")) {
                Class<?> type = Class.forName(member.getPackageName() + "." + file.replace(".class", ""));
                if (isPublic(type)) {
                    Arrays.stream(type.getDeclaredMethods())
                            .filter(method -> Modifier.isPublic(method.getModifiers()) && !method.isBridge())
                            .filter(method -> Publisher.class.isAssignableFrom(method.getReturnType()))
                            .map(BlockingCalls::signature)
                            .forEach(methods::add);
                }
            }
        }
        return methods;
    }

    private static boolean isPublic(@Nullable Class<?> type) {
        return type == null || Modifier.isPublic(type.getModifiers()) && isPublic(type.getEnclosingClass());
    }

    private static String signature(Method method) {
        return Arrays.stream(method.getParameterTypes())
                .map(Class::getSimpleName)
                .collect(Collectors.joining(
                        ", ", method.getDeclaringClass().getSimpleName() + "." + method.getName() + "(", ")"));
    }

    /**
     * Calls a method on a loop, in a body and in a callback, and lets its result end there or cancels it.
     *
     * @param given the argument of the method, made on the loop
     */
    public static <T> Stream<DynamicTest> of(
            String name, Mono<T> given, Function<? super T, ? extends Publisher<?>> method) {
        return Stream.of(
                test(name + " awaited in a body", () -> {
                    T argument = await(given);
                    await(Flux.from(method.apply(argument)).collectList());
                }),
                test(name + " subscribed to in a callback", () -> {
                    T argument = await(given);
                    Future<List<?>> outcome = new Future<>();
                    EventLoop.getRunningLoop()
                            .callSoon(() -> Flux.from(method.apply(argument))
                                    .collectList()
                                    .subscribe(outcome::setResult, outcome::setException));
                    await(outcome);
                }),
                test(name + " cancelled at once", () -> cancel(await(given), method, Duration.ZERO)),
                test(name + " cancelled later", () -> cancel(await(given), method, Duration.ofMillis(2))));
    }

    private static <T> void cancel(T argument, Function<? super T, ? extends Publisher<?>> method, Duration delay)
            throws Exception {
        EventLoop loop = EventLoop.getRunningLoop();
        Future<Void> over = new Future<>();
        loop.callSoon(() -> {
            Disposable subscription = Flux.from(method.apply(argument)).subscribe(value -> {}, error -> {});
            if (delay.isZero()) {
                subscription.dispose();
                over.setResult(null);
            } else {
                loop.callLater(delay, () -> {
                    subscription.dispose();
                    over.setResult(null);
                });
            }
        });
        await(over);
        await(sleep(Duration.ofMillis(2))); // for the effects of a cancellation
    }

    private static DynamicTest test(String name, Body body) {
        return DynamicTest.dynamicTest(name, () -> {
            Asyncio.run(body);
            List<BlockingOperationError> found = found();
            if (!found.isEmpty()) {
                AssertionError blocks = new AssertionError(name + " blocks");
                found.forEach(blocks::addSuppressed);
                throw blocks;
            }
        });
    }
}
