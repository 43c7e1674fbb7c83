package asyncio.bridge;

import asyncio.ColdMono;
import reactor.core.CoreSubscriber;

/** The Mono of {@link Callbacks#mono}. */
final class CallMono<T> extends ColdMono<T> {
    private final Registration<T> registration;

    CallMono(Registration<T> registration) {
        super(registration);
        this.registration = registration;
    }

    @Override
    protected void start(CoreSubscriber<? super T> actual) {
        actual.onSubscribe(new Call<>(registration, actual));
    }

    @Override
    public String toString() {
        return "Callbacks.mono(" + registration.getClass().getName() + ")";
    }
}
