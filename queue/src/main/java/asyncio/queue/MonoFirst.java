package asyncio.queue;

import asyncio.ColdMono;
import java.time.Duration;
import java.util.List;
import org.jspecify.annotations.Nullable;
import reactor.core.CoreSubscriber;

/** The Mono of {@link Select#first}. */
final class MonoFirst<R> extends ColdMono<R> {
    private final List<Select.Clause> clauses;
    private final @Nullable Duration limit;

    MonoFirst(List<Select.Clause> clauses, @Nullable Duration limit) {
        super(MonoFirst.class);
        this.clauses = clauses;
        this.limit = limit;
    }

    @Override
    @SuppressWarnings("unchecked") // a clause's function gives an R
    protected void start(CoreSubscriber<? super R> actual) {
        actual.onSubscribe(new SelectSuspension((CoreSubscriber<Object>) actual, limit, clauses));
    }

    @Override
    public String toString() {
        return "first() of a Select of " + clauses.size();
    }
}
