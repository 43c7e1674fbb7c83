package asyncio.sync;

import asyncio.ColdMono;
import java.time.Duration;
import org.jspecify.annotations.Nullable;
import reactor.core.CoreSubscriber;

/** What {@code acquire()} returns. */
final class Acquire extends ColdMono<Permit> {
    private final PermitSource source;
    private final int permits;
    private final @Nullable Duration limit;

    Acquire(PermitSource source, int permits, @Nullable Duration limit) {
        super(Acquire.class);
        this.source = source;
        this.permits = permits;
        this.limit = limit;
    }

    @Override
    protected @Nullable Permit awaitInBody() throws Exception {
        Permit permit = source.take(permits);
        return permit != null ? permit : super.awaitInBody();
    }

    @Override
    protected void start(CoreSubscriber<? super Permit> actual) {
        actual.onSubscribe(source.waiter(actual, permits, limit));
    }

    @Override
    public String toString() {
        return "acquire(" + (permits == 1 ? "" : permits) + ") of " + source;
    }
}
