package asyncio.bridge;

import asyncio.ColdMono;
import reactor.core.CoreSubscriber;

/** The Mono of {@link Callbacks#mono}. */
final class MonoCallback<T> extends ColdMono<T> {
    private final Registration<T> registration;

    MonoCallback(Registration<T> registration) {
        super(registration);
        this.registration = registration;
    }

    @Override
    protected void start(CoreSubscriber<? super T> actual) {
        actual.onSubscribe(new CallbackSubscription<>(registration, actual));
    }

    @Override
    public String toString() {
        return "Callbacks.mono(" + registration.getClass().getName() + ")";
    }
}
