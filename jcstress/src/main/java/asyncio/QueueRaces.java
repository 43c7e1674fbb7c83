package asyncio;

import static asyncio.FutureRaces.bit;
import static org.openjdk.jcstress.annotations.Expect.ACCEPTABLE;
import static org.openjdk.jcstress.annotations.Expect.FORBIDDEN;

import asyncio.Fixtures.IdleTask;
import asyncio.queue.Queue;
import asyncio.queue.QueueShutDownException;
import asyncio.queue.Select;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.Arbiter;
import org.openjdk.jcstress.annotations.Description;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.III_Result;
import org.openjdk.jcstress.infra.results.II_Result;
import org.reactivestreams.Publisher;
import org.reactivestreams.Subscription;
import reactor.core.CoreSubscriber;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.core.publisher.Operators;
import reactor.util.context.Context;

/** Puts, gets, cancellations and shutdowns of queues. Zero stands for an event that did not happen, or for no item. */
public final class QueueRaces {
    private QueueRaces() {}

    /** Records its signals, whether or not it has cancelled. */
    static class Probe<T> implements CoreSubscriber<T> {
        private @Nullable Subscription subscription;
        volatile int value;
        volatile int completed;
        volatile int failed;

        static <T> Probe<T> of(Publisher<T> source) {
            Probe<T> probe = new Probe<>();
            source.subscribe(probe);
            return probe;
        }

        @Override
        public void onSubscribe(Subscription subscription) {
            this.subscription = subscription;
            subscription.request(1);
        }

        @Override
        public void onNext(T value) {
            this.value = value instanceof Integer number ? number : 0;
        }

        @Override
        public synchronized void onComplete() {
            completed++;
        }

        @Override
        public synchronized void onError(Throwable error) {
            failed++;
        }

        final void cancel() {
            Subscription subscription = this.subscription;
            if (subscription != null) {
                subscription.cancel();
            }
        }

        @Override
        public Context currentContext() {
            return Context.empty();
        }
    }

    static int left(Queue<Integer> queue) {
        try {
            Integer item = queue.tryGet();
            return item == null ? 0 : item;
        } catch (QueueShutDownException e) {
            return 0;
        }
    }

    @JCStressTest
    @Description("A getter waits, one puts, another cancels the getter. Figures: got, left.")
    @Outcome(id = "1, 0", expect = ACCEPTABLE, desc = "Granted first.")
    @Outcome(id = "0, 1", expect = ACCEPTABLE, desc = "Cancelled first, or given back.")
    @Outcome(expect = FORBIDDEN, desc = "The item is lost, or there twice.")
    @State
    public static class PutAndCancelOfGet {
        final Queue<Integer> queue = new Queue<>(1);
        final Probe<Integer> getter = Probe.of(queue.get());

        @Actor
        public void put() {
            queue.tryPut(1);
        }

        @Actor
        public void cancel() {
            getter.cancel();
        }

        @Arbiter
        public void look(II_Result r) {
            r.r1 = getter.value;
            r.r2 = left(queue);
        }
    }

    @JCStressTest
    @Description("A putter waits, one gets, another cancels the putter. Figures: whether its put completed, "
            + "the items of the queue, room for another.")
    @Outcome(id = "1, 2, 0", expect = ACCEPTABLE, desc = "Admitted first.")
    @Outcome(id = "0, 0, 1", expect = ACCEPTABLE, desc = "Cancelled before its item entered.")
    @Outcome(expect = FORBIDDEN, desc = "A cancelled put happened, or a slot is lost.")
    @State
    public static class GetAndCancelOfPut {
        final Queue<Integer> queue = new Queue<>(1);
        final Probe<Void> putter;

        public GetAndCancelOfPut() {
            queue.putNowait(1);
            putter = Probe.of(queue.put(2));
        }

        @Actor
        public void get() {
            queue.getNowait();
        }

        @Actor
        public void cancel() {
            putter.cancel();
        }

        @Arbiter
        public void look(III_Result r) {
            r.r1 = putter.completed;
            r.r3 = bit(queue.tryPut(3));
            int item = left(queue);
            r.r2 = item == 3 ? 0 : item;
        }
    }

    @JCStressTest
    @Description("A get and a put of an empty queue are subscribed at the same time. Figures: got, put, left.")
    @Outcome(id = "1, 1, 0", expect = ACCEPTABLE, desc = "They meet, in either order.")
    @Outcome(expect = FORBIDDEN, desc = "Both wait, or the item is lost.")
    @State
    public static class PutAndGet {
        final Queue<Integer> queue = new Queue<>(1);
        final Probe<Integer> getter = new Probe<>();
        final Probe<Void> putter = new Probe<>();

        @Actor
        public void get() {
            queue.get().subscribe(getter);
        }

        @Actor
        public void put() {
            queue.put(1).subscribe(putter);
        }

        @Arbiter
        public void look(III_Result r) {
            r.r1 = getter.value;
            r.r2 = putter.completed;
            r.r3 = left(queue);
        }
    }

    @JCStressTest
    @Description("A putter waits, one gets, another shuts down. Figures: put, failed, left.")
    @Outcome(id = "1, 0, 2", expect = ACCEPTABLE, desc = "Let in first.")
    @Outcome(id = "0, 1, 0", expect = ACCEPTABLE, desc = "Shut down before its item entered.")
    @Outcome(expect = FORBIDDEN, desc = "It hangs, or failed and its item is in.")
    @State
    public static class GetAndShutdownOfPut {
        final Queue<Integer> queue = new Queue<>(1);
        final Probe<Void> putter;

        public GetAndShutdownOfPut() {
            queue.putNowait(1);
            putter = Probe.of(queue.put(2));
        }

        @Actor
        public void get() {
            left(queue);
        }

        @Actor
        public void shutdown() {
            queue.shutdown();
        }

        @Arbiter
        public void look(III_Result r) {
            r.r1 = putter.completed;
            r.r2 = putter.failed;
            r.r3 = left(queue);
        }
    }

    @JCStressTest
    @Description("A getter waits, one puts, another shuts down at once. Figures: got, failed, undelivered.")
    @Outcome(id = "1, 0, 0", expect = ACCEPTABLE, desc = "Put first.")
    @Outcome(id = "0, 1, 0", expect = ACCEPTABLE, desc = "Shut down first: the put was rejected.")
    @Outcome(expect = FORBIDDEN, desc = "It hangs, or the item is lost.")
    @State
    public static class PutAndShutdownOfGet {
        volatile int lost;
        final Queue<Integer> queue = new Queue<>(1, item -> lost = item);
        final Probe<Integer> getter = Probe.of(queue.get());

        @Actor
        public void put() {
            try {
                queue.putNowait(1);
            } catch (QueueShutDownException e) {
                // it came too late
            }
        }

        @Actor
        public void shutdown() {
            queue.shutdown(true);
        }

        @Arbiter
        public void look(III_Result r) {
            r.r1 = getter.value;
            r.r2 = getter.failed;
            r.r3 = lost;
        }
    }

    @JCStressTest
    @Description("A Flux waits, one puts, another cancels it. Figures: emitted, left.")
    @Outcome(id = "1, 0", expect = ACCEPTABLE, desc = "Emitted first.")
    @Outcome(id = "0, 1", expect = ACCEPTABLE, desc = "Cancelled first, or given back.")
    @Outcome(expect = FORBIDDEN, desc = "The item is lost, or there twice.")
    @State
    public static class PutAndCancelOfFlux {
        final Queue<Integer> queue = new Queue<>(1);
        final Probe<Integer> subscriber = Probe.of(queue.asFlux());

        @Actor
        public void put() {
            queue.tryPut(1);
        }

        @Actor
        public void cancel() {
            subscriber.cancel();
        }

        @Arbiter
        public void look(II_Result r) {
            r.r1 = subscriber.value;
            r.r2 = left(queue);
        }
    }

    @JCStressTest
    @Description("A Flux waits, one puts, another shuts down. Figures: emitted, completed, left.")
    @Outcome(id = "1, 1, 0", expect = ACCEPTABLE, desc = "Put first: emitted before the end.")
    @Outcome(id = "0, 1, 0", expect = ACCEPTABLE, desc = "Shut down first: the put was refused.")
    @Outcome(expect = FORBIDDEN, desc = "It ends with an item on its way, or never.")
    @State
    public static class PutAndShutdownOfFlux {
        final Queue<Integer> queue = new Queue<>(1);
        final Probe<Integer> subscriber = Probe.of(queue.asFlux());

        @Actor
        public void put() {
            try {
                queue.putNowait(1);
            } catch (QueueShutDownException e) {
                // it came too late
            }
        }

        @Actor
        public void shutdown() {
            queue.shutdown();
        }

        @Arbiter
        public void look(III_Result r) {
            r.r1 = subscriber.value;
            r.r2 = subscriber.completed;
            r.r3 = left(queue);
        }
    }

    @JCStressTest
    @Description("putAll has an item that waits, one gets, another cancels it. Figures: undelivered, left.")
    @Outcome(id = "2, 0", expect = ACCEPTABLE, desc = "Cancelled first.")
    @Outcome(id = "0, 2", expect = ACCEPTABLE, desc = "Let in first.")
    @Outcome(expect = FORBIDDEN, desc = "The item is lost, or there twice.")
    @State
    public static class GetAndCancelOfPutAll {
        volatile int lost;
        final Queue<Integer> queue = new Queue<>(1, item -> lost = item);
        final Probe<Void> all = Probe.of(queue.putAll(Flux.just(1, 2)));

        @Actor
        public void get() {
            queue.getNowait();
        }

        @Actor
        public void cancel() {
            all.cancel();
        }

        @Arbiter
        public void look(II_Result r) {
            r.r1 = lost;
            r.r2 = left(queue);
        }
    }

    @JCStressTest
    @Description("A source emits while putAll is cancelled, the queue being full. Figures: undelivered, completed.")
    @Outcome(id = "2, 0", expect = ACCEPTABLE, desc = "The item was waiting, or came too late.")
    @Outcome(expect = FORBIDDEN, desc = "The item is lost.")
    @State
    public static class ItemAndCancelOfPutAll {
        volatile int lost;
        final Queue<Integer> queue = new Queue<>(1, item -> lost = item);
        final Probe<Void> all = new Probe<>();
        private @Nullable CoreSubscriber<? super Integer> source;

        public ItemAndCancelOfPutAll() {
            queue.tryPut(1);
            queue.putAll(new Flux<Integer>() {
                        @Override
                        public void subscribe(CoreSubscriber<? super Integer> actual) {
                            source = actual;
                            actual.onSubscribe(Operators.emptySubscription());
                        }
                    })
                    .subscribe(all);
        }

        @Actor
        public void emit() {
            Objects.requireNonNull(source).onNext(2);
        }

        @Actor
        public void cancel() {
            all.cancel();
        }

        @Arbiter
        public void look(II_Result r) {
            r.r1 = lost;
            r.r2 = all.completed + all.failed;
        }
    }

    @JCStressTest
    @Description(
            "A Select waits on two queues, and an item is put into both at the same time. Figures: selected, left in each.")
    @Outcome(id = "1, 0, 2", expect = ACCEPTABLE, desc = "The first queue won.")
    @Outcome(id = "2, 1, 0", expect = ACCEPTABLE, desc = "The second queue won.")
    @Outcome(expect = FORBIDDEN, desc = "Both won, or a loser took something.")
    @State
    public static class SelectOfTwo {
        final Queue<Integer> one = new Queue<>(1);
        final Queue<Integer> two = new Queue<>(1);
        final Probe<Integer> select = Probe.of(
                new Select<Integer>().onGet(one, x -> x).onGet(two, x -> x).first());

        @Actor
        public void first() {
            one.tryPut(1);
        }

        @Actor
        public void second() {
            two.tryPut(2);
        }

        @Arbiter
        public void look(III_Result r) {
            r.r1 = select.value;
            r.r2 = left(one);
            r.r3 = left(two);
        }
    }

    @JCStressTest
    @Description("A Select subscribes while an item is put. Figures: selected, left.")
    @Outcome(id = "1, 0", expect = ACCEPTABLE, desc = "It finds the item, or is given it.")
    @Outcome(expect = FORBIDDEN, desc = "It misses the item.")
    @State
    public static class SelectAndPut {
        final Queue<Integer> one = new Queue<>(1);
        final Queue<Integer> two = new Queue<>(1);
        final Probe<Integer> select = new Probe<>();

        @Actor
        public void select() {
            new Select<Integer>().onGet(one, x -> x).onGet(two, x -> x).first().subscribe(select);
        }

        @Actor
        public void put() {
            two.tryPut(1);
        }

        @Arbiter
        public void look(II_Result r) {
            r.r1 = select.value;
            r.r2 = left(two);
        }
    }

    /** Suspends a task on a put or get. */
    private static <T> WaitSubscriber<T> suspend(IdleTask task, Mono<T> mono) {
        WaitSubscriber<T> wait = new WaitSubscriber<>(task, mono);
        if (wait.subscribe()) {
            task.suspendOn(wait);
        }
        return wait;
    }

    private static int resume(IdleTask task, WaitSubscriber<?> wait) {
        try {
            Object value = wait.outcome(task.wakeUp());
            return value instanceof Integer item ? item : 0;
        } catch (CancelledException e) {
            return -1;
        } catch (Exception e) {
            return -2;
        }
    }

    @JCStressTest
    @Description("A task awaits a get, one puts, another cancels the task, which then resumes. Figures: got, left.")
    @Outcome(id = "-1, 1", expect = ACCEPTABLE, desc = "Cancelled before it got the item: left, or given back.")
    @Outcome(expect = FORBIDDEN, desc = "The item is lost, or there twice, or the cancellation is lost.")
    @State
    public static class PutAndCancelOfTask {
        final Queue<Integer> queue = new Queue<>(1);
        final IdleTask task = new IdleTask(Context.empty());
        final WaitSubscriber<Integer> wait = suspend(task, queue.get());

        @Actor
        public void put() {
            queue.tryPut(1);
        }

        @Actor
        public void cancel() {
            task.cancel();
        }

        @Arbiter
        public void look(II_Result r) {
            r.r1 = resume(task, wait);
            r.r2 = left(queue);
        }
    }

    @JCStressTest
    @Description("A task awaits a put, one gets, another cancels the task, which then resumes. Figures: outcome, left.")
    @Outcome(id = "-1, 0", expect = ACCEPTABLE, desc = "Cancelled, so it has not put.")
    @Outcome(expect = FORBIDDEN, desc = "A cancelled put happened, or the cancellation is lost.")
    @State
    public static class GetAndCancelOfPuttingTask {
        final Queue<Integer> queue = new Queue<>(1);
        final IdleTask task = new IdleTask(Context.empty());
        final WaitSubscriber<Void> wait;

        public GetAndCancelOfPuttingTask() {
            queue.putNowait(1);
            wait = suspend(task, queue.put(2));
        }

        @Actor
        public void get() {
            queue.getNowait();
        }

        @Actor
        public void cancel() {
            task.cancel();
        }

        @Arbiter
        public void look(II_Result r) {
            r.r1 = resume(task, wait);
            r.r2 = left(queue);
        }
    }
}
