package asyncio;

import static asyncio.Fixtures.NO_LOOP;
import static asyncio.FutureRaces.bit;
import static asyncio.FutureRaces.resultOr0;
import static org.openjdk.jcstress.annotations.Expect.ACCEPTABLE;
import static org.openjdk.jcstress.annotations.Expect.FORBIDDEN;

import asyncio.Fixtures.Probe;
import java.util.List;
import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.Arbiter;
import org.openjdk.jcstress.annotations.Description;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.III_Result;
import org.openjdk.jcstress.infra.results.II_Result;
import org.openjdk.jcstress.infra.results.I_Result;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.util.context.Context;

/** Combinators that run several Monos at a time: their ends, racing with cancel, demand and each other. */
public final class CombinatorRaces {
    private CombinatorRaces() {}

    private static Future<Integer> future() {
        return new Future<>((EventLoop) null);
    }

    /** Whether a pending Future has a waiter. */
    static boolean isAwaited(Future<Integer> future) {
        Waiter probe = new DoneCallback<>(future, done -> {}, Context.empty());
        return future.addWaiter(probe) && probe.previous != null;
    }

    private static int outcome(Future<?> future) {
        return !future.done() ? -2 : future.cancelled() ? -1 : future.failure() != null ? -3 : 1;
    }

    @JCStressTest
    @Description(
            "The last child of a gather ends while the gather is cancelled. Figures: the result of cancel(); 1 for results, -1 for cancelled.")
    @Outcome(id = "0, 1", expect = ACCEPTABLE, desc = "Too late: the results stay.")
    @Outcome(id = "1, -1", expect = ACCEPTABLE, desc = "Cancelled.")
    @Outcome(expect = FORBIDDEN, desc = "cancel() said one thing, gather did the other, or it never ends.")
    @State
    public static class GatherEndAndCancel {
        final Future<Integer> child = future();
        final Gather<Integer, List<Integer>> gather =
                Gather.start(List.of(child, future(1)), NO_LOOP, Context.empty(), true);

        @Actor
        public void end() {
            child.trySetResult(7);
        }

        @Actor
        public void cancel(II_Result r) {
            r.r1 = bit(gather.cancel());
        }

        @Arbiter
        public void look(II_Result r) {
            r.r2 = outcome(gather);
        }
    }

    private static Future<Integer> future(int result) {
        Future<Integer> future = future();
        future.setResult(result);
        return future;
    }

    @JCStressTest
    @Description("Two children of a gather end at the same time.")
    @Outcome(id = "1", expect = ACCEPTABLE, desc = "The gather has ended.")
    @Outcome(expect = FORBIDDEN, desc = "An end went uncounted.")
    @State
    public static class TwoEndsOfGather {
        final Future<Integer> one = future();
        final Future<Integer> other = future();
        final Gather<Integer, List<Integer>> gather =
                Gather.start(List.of(one, other), NO_LOOP, Context.empty(), false);

        @Actor
        public void endOne() {
            one.trySetResult(1);
        }

        @Actor
        public void endOther() {
            other.trySetResult(2);
        }

        @Arbiter
        public void look(I_Result r) {
            r.r1 = outcome(gather);
        }
    }

    @JCStressTest
    @Description("The last racer succeeds while the race is cancelled. Figures as for gather.")
    @Outcome(id = "0, 1", expect = ACCEPTABLE, desc = "Too late: the result stays.")
    @Outcome(id = "1, -1", expect = ACCEPTABLE, desc = "Cancelled.")
    @Outcome(expect = FORBIDDEN, desc = "cancel() said one thing, the race did the other, or it never ends.")
    @State
    public static class RaceEndAndCancel {
        final Future<Integer> child = future();
        final Race<Integer> race = Race.start(List.of(child), NO_LOOP, Context.empty());

        @Actor
        public void end() {
            child.trySetResult(7);
        }

        @Actor
        public void cancel(II_Result r) {
            r.r1 = bit(race.cancel());
        }

        @Arbiter
        public void look(II_Result r) {
            r.r2 = outcome(race);
        }
    }

    @JCStressTest
    @Description("Two racers succeed at the same time. Figures: the result; those of the two, 0 for a cancelled one.")
    @Outcome(
            id = {"1, 1, 0", "2, 0, 2"},
            expect = ACCEPTABLE,
            desc = "One won, the other was cancelled.")
    @Outcome(
            id = {"1, 1, 2", "2, 1, 2"},
            expect = ACCEPTABLE,
            desc = "Both were done before either was cancelled.")
    @Outcome(expect = FORBIDDEN, desc = "The result is not that of a successful racer.")
    @State
    public static class TwoWinners {
        final Future<Integer> one = future();
        final Future<Integer> other = future();
        final Race<Integer> race = Race.start(List.of(one, other), NO_LOOP, Context.empty());

        @Actor
        public void endOne() {
            one.trySetResult(1);
        }

        @Actor
        public void endOther() {
            other.trySetResult(2);
        }

        @Arbiter
        public void look(III_Result r) {
            r.r1 = resultOr0(race);
            r.r2 = resultOr0(one);
            r.r3 = resultOr0(other);
        }
    }

    @JCStressTest
    @Description("The inner Future of a shield ends while the shield is cancelled. Figures as for gather.")
    @Outcome(id = "0, 1", expect = ACCEPTABLE, desc = "Too late: the result stays.")
    @Outcome(id = "1, -1", expect = ACCEPTABLE, desc = "Cancelled.")
    @Outcome(expect = FORBIDDEN, desc = "cancel() said one thing, the shield did the other, or it never ends.")
    @State
    public static class ShieldEndAndCancel {
        final Future<Integer> inner = future();
        final Future<Integer> shield = Shield.start(inner, NO_LOOP, Context.empty());

        @Actor
        public void end() {
            inner.trySetResult(7);
        }

        @Actor
        public void cancel(II_Result r) {
            r.r1 = bit(shield.cancel());
        }

        @Arbiter
        public void look(II_Result r) {
            r.r2 = outcome(shield);
        }
    }

    @JCStressTest
    @Description(
            "A wait for the first of two begins while one ends. Figures: 1 for ended; whether it still waits for the other.")
    @Outcome(id = "1, 0", expect = ACCEPTABLE, desc = "Ended, and nothing left behind.")
    @Outcome(expect = FORBIDDEN, desc = "It never ends, or a waiter stays with a Future that may exist forever.")
    @State
    public static class WaitBeginsAndEnd {
        final Future<Integer> pending = future();
        final Future<Integer> child = future();
        final Future<Integer> alsoPending = future();
        volatile Future<?> latch = future();

        @Actor
        public void begin() {
            latch = MonoWaitTasks.Latch.start(
                    MonoWaitTasks.of(List.of(pending, child, alsoPending), ReturnWhen.FIRST_COMPLETED, null), NO_LOOP);
        }

        @Actor
        public void end() {
            child.trySetResult(7);
        }

        @Arbiter
        public void look(II_Result r) {
            r.r1 = outcome(latch);
            r.r2 = bit(isAwaited(pending) || isAwaited(alsoPending));
        }
    }

    /** A subscription to asCompleted of some Futures. */
    private static AsCompletedSubscription<Integer> completions(
            Probe<Future<Integer>> probe, List<Future<Integer>> futures) {
        AsCompletedSubscription<Integer> completions =
                new AsCompletedSubscription<>(FluxAsCompleted.of(futures, null), NO_LOOP, probe);
        probe.onSubscribe(completions);
        return completions;
    }

    @JCStressTest
    @Description("asCompleted of two, one of them delivered: the other ends while it is requested.")
    @Outcome(id = "2, 1", expect = ACCEPTABLE, desc = "Delivered, and complete.")
    @Outcome(expect = FORBIDDEN, desc = "A signal is missing, or came twice.")
    @State
    public static class CompletionAndRequest {
        final Future<Integer> child = future();
        final Probe<Future<Integer>> probe = new Probe<>(false);
        final AsCompletedSubscription<Integer> completions = completions(probe, List.of(future(1), child));

        public CompletionAndRequest() {
            completions.request(1);
        }

        @Actor
        public void end() {
            child.trySetResult(7);
        }

        @Actor
        public void request() {
            completions.request(1);
        }

        @Arbiter
        public void look(II_Result r) {
            r.r1 = probe.values();
            r.r2 = probe.ends();
        }
    }

    @JCStressTest
    @Description("asCompleted of two that end at the same time.")
    @Outcome(id = "2, 1", expect = ACCEPTABLE, desc = "Delivered, and complete.")
    @Outcome(expect = FORBIDDEN, desc = "A signal is missing, or came twice.")
    @State
    public static class TwoCompletions {
        final Future<Integer> one = future();
        final Future<Integer> other = future();
        final Probe<Future<Integer>> probe = new Probe<>(false);

        public TwoCompletions() {
            completions(probe, List.of(one, other)).request(Long.MAX_VALUE);
        }

        @Actor
        public void endOne() {
            one.trySetResult(7);
        }

        @Actor
        public void endOther() {
            other.trySetResult(8);
        }

        @Arbiter
        public void look(II_Result r) {
            r.r1 = probe.values();
            r.r2 = probe.ends();
        }
    }

    @JCStressTest
    @Description("asCompleted starts while a child ends.")
    @Outcome(id = "1, 1", expect = ACCEPTABLE, desc = "Delivered, and complete.")
    @Outcome(expect = FORBIDDEN, desc = "A signal is missing, or came twice.")
    @State
    public static class CompletionAndStart {
        final Future<Integer> child = future();
        final Probe<Future<Integer>> probe = new Probe<>(false);
        final AsCompletedSubscription<Integer> completions = completions(probe, List.of(child));

        @Actor
        public void end() {
            child.trySetResult(7);
        }

        @Actor
        public void start() {
            completions.request(1);
        }

        @Arbiter
        public void look(II_Result r) {
            r.r1 = probe.values();
            r.r2 = probe.ends();
        }
    }

    @JCStressTest
    @Description("A child of asCompleted ends while the subscription is cancelled. Figures: values, ends.")
    @Outcome(
            id = {"0, 0", "1, 0", "1, 1"},
            expect = ACCEPTABLE,
            desc = "Cancelled before, in between, or too late.")
    @Outcome(expect = FORBIDDEN, desc = "An end without the value.")
    @State
    public static class CompletionAndCancel {
        final Future<Integer> child = future();
        final Probe<Future<Integer>> probe = new Probe<>(false);
        final AsCompletedSubscription<Integer> completions = completions(probe, List.of(child));

        public CompletionAndCancel() {
            completions.request(2);
        }

        @Actor
        public void end() {
            child.trySetResult(7);
        }

        @Actor
        public void cancel() {
            completions.cancel();
        }

        @Arbiter
        public void look(II_Result r) {
            r.r1 = probe.values();
            r.r2 = probe.ends();
        }
    }

    @JCStressTest
    @Description(
            "asCompleted starts while its subscription is cancelled. Figure: whether it still waits for the child.")
    @Outcome(id = "0", expect = ACCEPTABLE, desc = "Nothing is left behind.")
    @Outcome(expect = FORBIDDEN, desc = "A waiter stays with a Future that may exist forever.")
    @State
    public static class StartAndCancelOfCompletions {
        final Future<Integer> child = future();
        final AsCompletedSubscription<Integer> completions = completions(new Probe<>(false), List.of(child));

        @Actor
        public void start() {
            completions.request(1);
        }

        @Actor
        public void cancel() {
            completions.cancel();
        }

        @Arbiter
        public void look(I_Result r) {
            r.r1 = bit(isAwaited(child));
        }
    }

    /** mapConcurrent over one Future after the other, and its source. */
    private static final class MapFixture {
        final Probe<Integer> probe = new Probe<>(false);
        final MapConcurrentMain<Integer, Integer> mapping;

        MapFixture(boolean ordered, List<Future<Integer>> futures) {
            mapping = new MapConcurrentMain<>(
                    FluxMapConcurrent.of(Flux.never(), 4, (Integer i) -> (Mono<Integer>) futures.get(i), ordered),
                    NO_LOOP,
                    probe);
            Flux.<Integer>never().subscribe(mapping); // for a subscription; the test takes the source's part
        }
    }

    @JCStressTest
    @Description(
            "mapConcurrent gets an item while a running one fails. Figures: values; ends; the new one: -1 for cancelled, -2 for never begun.")
    @Outcome(
            id = {"0, 1, -1", "0, 1, -2"},
            expect = ACCEPTABLE,
            desc = "Failed, with nothing running.")
    @Outcome(expect = FORBIDDEN, desc = "The error is missing, or something outlives it.")
    @State
    public static class MapItemAndFailure {
        final Future<Integer> failing = future();
        final Future<Integer> next = future();
        final MapFixture map = new MapFixture(true, List.of(failing, next));

        public MapItemAndFailure() {
            map.mapping.request(4);
            map.mapping.onNext(0);
        }

        @Actor
        public void item() {
            map.mapping.onNext(1);
        }

        @Actor
        public void fail() {
            failing.trySetException(new IllegalStateException());
        }

        @Arbiter
        public void look(III_Result r) {
            r.r1 = map.probe.values();
            r.r2 = map.probe.ends();
            r.r3 = isAwaited(next) ? 0 : outcome(next);
        }
    }

    @JCStressTest
    @Description("The last two of mapConcurrent end at the same time. Figures: values; ends.")
    @Outcome(id = "2, 1", expect = ACCEPTABLE, desc = "Delivered, and complete.")
    @Outcome(expect = FORBIDDEN, desc = "A signal is missing, or came twice.")
    @State
    public static class TwoEndsOfMap {
        final Future<Integer> one = future();
        final Future<Integer> other = future();
        final MapFixture map = new MapFixture(true, List.of(one, other));

        public TwoEndsOfMap() {
            map.mapping.request(4);
            map.mapping.onNext(0);
            map.mapping.onNext(1);
            map.mapping.onComplete();
        }

        @Actor
        public void endOne() {
            one.trySetResult(7);
        }

        @Actor
        public void endOther() {
            other.trySetResult(8);
        }

        @Arbiter
        public void look(II_Result r) {
            r.r1 = map.probe.values();
            r.r2 = map.probe.ends();
        }
    }

    @JCStressTest
    @Description("The last of mapConcurrent ends while the source completes. Figures: values; ends.")
    @Outcome(id = "1, 1", expect = ACCEPTABLE, desc = "Delivered, and complete.")
    @Outcome(expect = FORBIDDEN, desc = "A signal is missing, or came twice.")
    @State
    public static class EndOfMapAndOfSource {
        final Future<Integer> last = future();
        final MapFixture map = new MapFixture(false, List.of(last));

        public EndOfMapAndOfSource() {
            map.mapping.request(4);
            map.mapping.onNext(0);
        }

        @Actor
        public void end() {
            last.trySetResult(7);
        }

        @Actor
        public void complete() {
            map.mapping.onComplete();
        }

        @Arbiter
        public void look(II_Result r) {
            r.r1 = map.probe.values();
            r.r2 = map.probe.ends();
        }
    }

    @JCStressTest
    @Description("mapConcurrent gets an item while the subscription is cancelled. Figure: 1 if it keeps running.")
    @Outcome(
            id = {"-1", "-2"},
            expect = ACCEPTABLE,
            desc = "Cancelled, or never begun.")
    @Outcome(expect = FORBIDDEN, desc = "Something outlives the cancellation.")
    @State
    public static class MapItemAndCancel {
        final Future<Integer> item = future();
        final MapFixture map = new MapFixture(false, List.of(item));

        public MapItemAndCancel() {
            map.mapping.request(4);
        }

        @Actor
        public void item() {
            map.mapping.onNext(0);
        }

        @Actor
        public void cancel() {
            map.mapping.cancel();
        }

        @Arbiter
        public void look(I_Result r) {
            r.r1 = isAwaited(item) ? 1 : outcome(item);
        }
    }
}
