package asyncio.queue;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.reactivestreams.Subscription;
import reactor.core.CoreSubscriber;
import reactor.core.publisher.Mono;

/** An Error of one subscriber, on the thread that releases it, does not keep the others from being notified. */
@Timeout(60)
class FailingSubscribersTest {
    private final List<String> told = new ArrayList<>();

    private void subscribe(Mono<?> mono, String name) {
        Runnable tell = () -> {
            told.add(name);
            if (name.equals("a")) {
                throw new LinkageError("of a subscriber");
            }
        };
        mono.subscribe(new CoreSubscriber<Object>() {
            @Override
            public void onSubscribe(Subscription subscription) {
                subscription.request(1);
            }

            @Override
            public void onNext(Object value) {}

            @Override
            public void onError(Throwable error) {
                tell.run();
            }

            @Override
            public void onComplete() {
                tell.run();
            }
        });
    }

    @Test
    void ofAQueueThatIsShutDown() {
        Queue<Integer> queue = Queue.unbounded();
        List.of("a", "b", "c").forEach(name -> subscribe(queue.get(), name));
        assertThatThrownBy(queue::shutdown).isInstanceOf(LinkageError.class);
        assertThat(told).containsExactly("a", "b", "c");
    }

    @Test
    void ofAQueueWhoseItemsAreDone() {
        Queue<Integer> queue = Queue.unbounded();
        queue.putNowait(1);
        List.of("a", "b", "c").forEach(name -> subscribe(queue.join(), name));
        assertThat(queue.getNowait()).isEqualTo(1);
        assertThatThrownBy(queue::taskDone).isInstanceOf(LinkageError.class);
        assertThat(told).containsExactly("a", "b", "c");
    }
}
