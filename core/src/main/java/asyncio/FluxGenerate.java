package asyncio;

import java.util.Objects;
import reactor.core.CoreSubscriber;

/** Returned by {@link Asyncio#generate}: a body that has not begun. Each subscription runs it anew, as a task. */
final class FluxGenerate<T> extends ColdFlux<T> {
    private final Generator<T> body;

    FluxGenerate(Generator<T> body) {
        super(FluxGenerate.class);
        this.body = Objects.requireNonNull(body, "body");
    }

    @Override
    void start(CoreSubscriber<? super T> actual) {
        actual.onSubscribe(new GenerateSubscription<>(body, EventLoop.runningOrShared(), actual));
    }

    @Override
    public String toString() {
        return "generate(" + body.getClass().getName() + ")";
    }
}
