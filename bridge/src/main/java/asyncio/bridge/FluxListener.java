package asyncio.bridge;

import org.jspecify.annotations.Nullable;
import reactor.core.CoreSubscriber;
import reactor.core.Scannable;
import reactor.core.publisher.Flux;

/** The Flux of {@link Listeners#flux}. */
final class FluxListener<T> extends Flux<T> implements Scannable {
    private final Overflow overflow;
    private final Listeners.Registration<T> registration;

    FluxListener(Overflow overflow, Listeners.Registration<T> registration) {
        this.overflow = overflow;
        this.registration = registration;
    }

    @Override
    public void subscribe(CoreSubscriber<? super T> actual) {
        actual.onSubscribe(new ListenerSubscription<>(overflow, registration, actual));
    }

    @Override
    @SuppressWarnings("rawtypes")
    public @Nullable Object scanUnsafe(Attr key) {
        return key == Attr.RUN_STYLE ? Attr.RunStyle.ASYNC : null;
    }

    @Override
    public String toString() {
        return "Listeners.flux(" + overflow + ", " + registration.getClass().getName() + ")";
    }
}
