package asyncio.streams;

import org.jspecify.annotations.Nullable;
import reactor.core.CoreSubscriber;
import reactor.core.Scannable;
import reactor.core.publisher.Mono;

/** The Mono of a read method of {@link StreamReader}: cold, each subscription is a new read. */
final class MonoRead<T> extends Mono<T> implements Scannable {
    /** The reader; a waiter keeps it reachable, so that its connection is not closed as unused. */
    final StreamReader reader;

    final Until until;
    final ReadForm<T> form;

    MonoRead(StreamReader reader, Until until, ReadForm<T> form) {
        this.reader = reader;
        this.until = until;
        this.form = form;
    }

    @Override
    public void subscribe(CoreSubscriber<? super T> actual) {
        actual.onSubscribe(new ReadSubscription<>(this, actual));
    }

    @Override
    @SuppressWarnings("rawtypes")
    public @Nullable Object scanUnsafe(Attr key) {
        return key == Attr.RUN_STYLE ? Attr.RunStyle.ASYNC : null;
    }

    @Override
    public String toString() {
        return until + " of " + reader;
    }
}
