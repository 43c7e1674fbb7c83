package asyncio;

import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.util.Arrays;
import java.util.Comparator;
import java.util.function.Supplier;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.DynamicTest;
import org.opentest4j.TestAbortedException;
import org.reactivestreams.Publisher;
import org.reactivestreams.tck.PublisherVerification;
import org.reactivestreams.tck.TestEnvironment;
import org.testng.SkipException;
import org.testng.annotations.Test;
import reactor.core.publisher.Mono;

/** The Reactive Streams TCK, which is written for TestNG, as JUnit's dynamic tests. */
final class Tck {
    private Tck() {}

    /** One test for each rule; a rule that does not apply to a Mono is skipped. */
    static Stream<DynamicTest> of(String name, Supplier<? extends Mono<Integer>> source) {
        return Arrays.stream(PublisherVerification.class.getMethods()).filter(method -> method.isAnnotationPresent(Test.class) && !method.getName().startsWith("untested"))
                .sorted(Comparator.comparing(Method::getName))
                .map(rule -> DynamicTest.dynamicTest(name + ": " + rule.getName(), () -> verify(rule, new MonoVerification(source))));
    }

    private static void verify(Method rule, MonoVerification verification) throws Throwable {
        verification.setUp();
        try {
            rule.invoke(verification);
        } catch (InvocationTargetException e) {
            if (e.getCause() instanceof SkipException skip) {
                throw new TestAbortedException(skip.getMessage(), skip);
            }
            throw e.getCause();
        }
    }

    private static final class MonoVerification extends PublisherVerification<Integer> {
        private final Supplier<? extends Mono<Integer>> source;

        MonoVerification(Supplier<? extends Mono<Integer>> source) {
            super(new TestEnvironment(1000, 20));
            this.source = source;
        }

        @Override
        public Publisher<Integer> createPublisher(long elements) {
            return elements == 0 ? source.get().filter(x -> false) : source.get();
        }

        /** The TCK wants one that fails without demand; these do nothing before a request. */
        @Override
        public @Nullable Publisher<Integer> createFailedPublisher() {
            return null;
        }

        @Override
        public long maxElementsFromPublisher() {
            return 1;
        }
    }
}
