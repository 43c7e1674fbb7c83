package asyncio;

import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.util.Arrays;
import java.util.Comparator;
import java.util.Set;
import java.util.function.IntFunction;
import java.util.function.LongFunction;
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

    /** The rules for a source of many elements; left out are those for which the TCK wants 2^31 of them. */
    private static final Set<String> FLUX_RULES = Set.of(
            "optional_spec105_emptyStreamMustTerminateBySignallingOnComplete",
            "optional_spec111_maySupportMultiSubscribe",
            "optional_spec111_registeredSubscribersMustReceiveOnNextOrOnCompleteSignals",
            "required_createPublisher1MustProduceAStreamOfExactly1Element",
            "required_createPublisher3MustProduceAStreamOfExactly3Elements",
            "required_spec101_subscriptionRequestMustResultInTheCorrectNumberOfProducedElements",
            "required_spec102_maySignalLessThanRequestedAndTerminateSubscription",
            "required_spec105_mustSignalOnCompleteWhenFiniteStreamTerminates",
            "required_spec107_mustNotEmitFurtherSignalsOnceOnCompleteHasBeenSignalled",
            "required_spec109_mustIssueOnSubscribeForNonNullSubscriber",
            "required_spec109_subscribeThrowNPEOnNullSubscriber",
            "required_spec302_mustAllowSynchronousRequestCallsFromOnNextAndOnSubscribe",
            "required_spec303_mustNotAllowUnboundedRecursion",
            "required_spec306_afterSubscriptionIsCancelledRequestMustBeNops",
            "required_spec307_afterSubscriptionIsCancelledAdditionalCancelationsMustBeNops",
            "required_spec312_cancelMustMakeThePublisherToEventuallyStopSignaling",
            "required_spec317_mustSupportACumulativePendingElementCountUpToLongMaxValue",
            "required_spec317_mustSupportAPendingElementCountUpToLongMaxValue",
            "required_validate_boundedDepthOfOnNextAndRequestRecursion",
            "required_validate_maxElementsFromPublisher");

    /** One test for each rule. */
    static Stream<DynamicTest> of(String name, Supplier<? extends Mono<Integer>> source) {
        return verify(
                name, RULES, () -> new Verification(n -> n == 0 ? source.get().filter(x -> false) : source.get(), 1));
    }

    /** One test for each rule, of a source of as many elements as it is told. */
    static Stream<DynamicTest> ofMany(String name, IntFunction<? extends Publisher<Integer>> source) {
        return verify(name, FLUX_RULES, () -> new Verification(n -> source.apply((int) n), 1_000));
    }

    private static Stream<DynamicTest> verify(String name, Set<String> rules, Supplier<Verification> verification) {
        return Arrays.stream(PublisherVerification.class.getMethods())
                .filter(method -> rules.contains(method.getName()))
                .sorted(Comparator.comparing(Method::getName))
                .map(rule ->
                        DynamicTest.dynamicTest(name + ": " + rule.getName(), () -> verify(rule, verification.get())));
    }

    private static void verify(Method rule, Verification verification) throws Throwable {
        verification.setUp();
        try {
            rule.invoke(verification);
        } catch (InvocationTargetException e) {
            throw e.getCause(); // a rule that skips itself fails here: it belongs to those above, or the list is wrong
        }
    }

    private static final class Verification extends PublisherVerification<Integer> {
        private final LongFunction<? extends Publisher<Integer>> source;
        private final long most;

        Verification(LongFunction<? extends Publisher<Integer>> source, long most) {
            super(new TestEnvironment(1000, 20));
            this.source = source;
            this.most = most;
        }

        @Override
        public Publisher<Integer> createPublisher(long elements) {
            return source.apply(elements);
        }

        /** The TCK wants one that fails without demand; these do nothing before a request. */
        @Override
        public @Nullable Publisher<Integer> createFailedPublisher() {
            return null;
        }

        @Override
        public long maxElementsFromPublisher() {
            return most;
        }
    }
}
