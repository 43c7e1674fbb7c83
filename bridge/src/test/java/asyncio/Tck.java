package asyncio;

import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.util.Arrays;
import java.util.Comparator;
import java.util.Set;
import java.util.function.Supplier;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.DynamicTest;
import org.reactivestreams.Publisher;
import org.reactivestreams.tck.PublisherVerification;
import org.reactivestreams.tck.TestEnvironment;
import reactor.core.publisher.Mono;

/** The Reactive Streams TCK, which is written for TestNG, as JUnit's dynamic tests. */
final class Tck {
    private Tck() {}

    /** The rules that the TCK can check with a single element; it skips the others. */
    private static final Set<String> RULES = Set.of(
            "optional_spec105_emptyStreamMustTerminateBySignallingOnComplete",
            "optional_spec111_maySupportMultiSubscribe",
            "optional_spec111_registeredSubscribersMustReceiveOnNextOrOnCompleteSignals",
            "required_createPublisher1MustProduceAStreamOfExactly1Element",
            "required_spec107_mustNotEmitFurtherSignalsOnceOnCompleteHasBeenSignalled",
            "required_spec109_mustIssueOnSubscribeForNonNullSubscriber",
            "required_spec109_subscribeThrowNPEOnNullSubscriber",
            "required_spec307_afterSubscriptionIsCancelledAdditionalCancelationsMustBeNops",
            "required_validate_boundedDepthOfOnNextAndRequestRecursion",
            "required_validate_maxElementsFromPublisher");

    /** One test for each rule. */
    static Stream<DynamicTest> of(String name, Supplier<? extends Mono<Integer>> source) {
        return Arrays.stream(PublisherVerification.class.getMethods())
                .filter(method -> RULES.contains(method.getName()))
                .sorted(Comparator.comparing(Method::getName))
                .map(rule -> DynamicTest.dynamicTest(
                        name + ": " + rule.getName(), () -> verify(rule, new MonoVerification(source))));
    }

    private static void verify(Method rule, MonoVerification verification) throws Throwable {
        verification.setUp();
        try {
            rule.invoke(verification);
        } catch (InvocationTargetException e) {
            throw e.getCause(); // a rule that skips itself fails here: it belongs to those above, or the list is wrong
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
