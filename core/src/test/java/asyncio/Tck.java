package asyncio;

import java.lang.reflect.InvocationTargetException;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.function.LongFunction;
import java.util.function.Supplier;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.DynamicTest;
import org.reactivestreams.Publisher;
import org.reactivestreams.tck.PublisherVerification;
import org.reactivestreams.tck.TestEnvironment;
import reactor.core.publisher.Mono;

/** The Reactive Streams TCK, which is written for TestNG, as JUnit's dynamic tests: one for each rule. */
public final class Tck {
    /** The rules that the TCK can check without an element. */
    private static final Set<String> NONE = Set.of(
            "optional_spec105_emptyStreamMustTerminateBySignallingOnComplete",
            "optional_spec111_maySupportMultiSubscribe",
            "required_spec109_mustIssueOnSubscribeForNonNullSubscriber",
            "required_spec109_subscribeThrowNPEOnNullSubscriber");

    /** The rules for a single element; it skips the others. */
    private static final Set<String> ONE = with(
            NONE,
            "optional_spec111_registeredSubscribersMustReceiveOnNextOrOnCompleteSignals",
            "required_createPublisher1MustProduceAStreamOfExactly1Element",
            "required_spec107_mustNotEmitFurtherSignalsOnceOnCompleteHasBeenSignalled",
            "required_spec307_afterSubscriptionIsCancelledAdditionalCancelationsMustBeNops",
            "required_validate_boundedDepthOfOnNextAndRequestRecursion",
            "required_validate_maxElementsFromPublisher");

    /** The rules for any number of elements. */
    private static final Set<String> MANY = with(
            ONE,
            "required_createPublisher3MustProduceAStreamOfExactly3Elements",
            "required_spec101_subscriptionRequestMustResultInTheCorrectNumberOfProducedElements",
            "required_spec102_maySignalLessThanRequestedAndTerminateSubscription",
            "required_spec105_mustSignalOnCompleteWhenFiniteStreamTerminates",
            "required_spec302_mustAllowSynchronousRequestCallsFromOnNextAndOnSubscribe",
            "required_spec303_mustNotAllowUnboundedRecursion",
            "required_spec306_afterSubscriptionIsCancelledRequestMustBeNops",
            "required_spec309_requestNegativeNumberMustSignalIllegalArgumentException",
            "required_spec309_requestZeroMustSignalIllegalArgumentException",
            "required_spec312_cancelMustMakeThePublisherToEventuallyStopSignaling",
            "required_spec313_cancelMustMakeThePublisherEventuallyDropAllReferencesToTheSubscriber",
            "required_spec317_mustSupportACumulativePendingElementCountUpToLongMaxValue",
            "required_spec317_mustSupportAPendingElementCountUpToLongMaxValue");

    private Tck() {}

    private static Set<String> with(Set<String> rules, String... more) {
        Set<String> all = new HashSet<>(rules);
        all.addAll(List.of(more));
        return all;
    }

    /** Tests a Mono of one element. */
    public static <T> Stream<DynamicTest> of(String name, Supplier<? extends Mono<T>> source) {
        return tests(name, ONE, 1, elements -> elements == 0 ? source.get().filter(x -> false) : source.get());
    }

    /** Tests a Mono that completes empty. */
    public static <T> Stream<DynamicTest> ofEmpty(String name, Supplier<? extends Mono<T>> source) {
        return tests(name, NONE, 1, elements -> source.get());
    }

    /** Tests a Publisher of a given number of elements. */
    public static <T> Stream<DynamicTest> ofMany(String name, LongFunction<? extends Publisher<T>> source) {
        return tests(name, MANY, 10_000, source);
    }

    private static <T> Stream<DynamicTest> tests(
            String name, Set<String> rules, long most, LongFunction<? extends Publisher<T>> source) {
        return rules.stream()
                .sorted()
                .map(rule -> DynamicTest.dynamicTest(
                        name + ": " + rule, () -> verify(rule, new Verification<>(rule, most, source))));
    }

    private static void verify(String rule, Verification<?> verification) throws Throwable {
        verification.setUp();
        try {
            PublisherVerification.class.getMethod(rule).invoke(verification);
        } catch (InvocationTargetException e) {
            throw e.getCause(); // a rule that skips itself fails here: it belongs to those above, or the list is wrong
        }
    }

    private static final class Verification<T> extends PublisherVerification<T> {
        private final long most;
        private final LongFunction<? extends Publisher<T>> source;

        Verification(String rule, long most, LongFunction<? extends Publisher<T>> source) {
            // the rules of 3.9 sleep for this long before they look, the others give up after it
            super(new TestEnvironment(rule.contains("spec309") ? 500 : 10_000, 20));
            this.most = most;
            this.source = source;
        }

        @Override
        public Publisher<T> createPublisher(long elements) {
            return source.apply(elements);
        }

        /** The TCK wants a publisher that fails without demand; these do nothing before a request. */
        @Override
        public @Nullable Publisher<T> createFailedPublisher() {
            return null;
        }

        @Override
        public long maxElementsFromPublisher() {
            return most;
        }
    }
}
