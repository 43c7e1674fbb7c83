package asyncio.queue;

import java.lang.reflect.InvocationTargetException;
import java.util.Arrays;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;
import org.reactivestreams.Subscriber;
import org.reactivestreams.tck.SubscriberBlackboxVerification;
import org.reactivestreams.tck.TestEnvironment;
import org.testng.SkipException;
import org.testng.annotations.Test;

/** The Reactive Streams TCK for Subscribers, as far as it can be run against a Subscriber from outside. */
class SubscriberTckTest {
    @TestFactory
    Stream<DynamicTest> boundedQueue() {
        return tests(4);
    }

    @TestFactory
    Stream<DynamicTest> queueOfOne() {
        return tests(1);
    }

    @TestFactory
    Stream<DynamicTest> unboundedQueue() {
        return tests(0);
    }

    private static Stream<DynamicTest> tests(int maxsize) {
        return Arrays.stream(SubscriberBlackboxVerification.class.getMethods())
                .filter(method -> method.isAnnotationPresent(Test.class))
                .filter(method -> !method.getName().startsWith("untested"))
                .map(method -> DynamicTest.dynamicTest(method.getName(), () -> {
                    Verification verification = new Verification(maxsize);
                    verification.startPublisherExecutorService();
                    verification.setUp();
                    try {
                        method.invoke(verification);
                    } catch (InvocationTargetException e) {
                        if (e.getCause() instanceof SkipException skipped) {
                            throw new AssertionError("The TCK skips " + method.getName(), skipped);
                        }
                        throw e.getCause();
                    } finally {
                        verification.shutdownPublisherExecutorService();
                    }
                }));
    }

    private static final class Verification extends SubscriberBlackboxVerification<Integer> {
        private final int maxsize;

        Verification(int maxsize) {
            super(new TestEnvironment(2_000, 20));
            this.maxsize = maxsize;
        }

        @Override
        public Subscriber<Integer> createSubscriber() {
            Queue<Integer> queue = maxsize == 0 ? Queue.unbounded() : new Queue<>(maxsize);
            queue.asFlux().subscribe();
            return queue.asSubscriber();
        }

        @Override
        public Integer createElement(int element) {
            return element;
        }
    }
}
