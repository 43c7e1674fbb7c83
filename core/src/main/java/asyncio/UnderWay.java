package asyncio;

import asyncio.internal.loop.LoopCore;
import org.jspecify.annotations.Nullable;
import reactor.core.CoreSubscriber;
import reactor.core.Scannable;
import reactor.core.publisher.Operators;

/**
 * Work of a subscription, known to the {@link Cleanups} of its subscriber from its start to its end. It is waited for
 * when it has been cancelled, or when the chain that it was part of is over all the same: then somebody is about to
 * cancel it on another thread.
 */
abstract class UnderWay {
    /** The stage within the {@link Cleanups} that it has entered, which guard this and the links. */
    enum Stage {
        NEW,
        /** It runs. */
        ENTERED,
        /** It runs, and not for the one whose clean-ups these are: for a cache, perhaps, which has begun it. */
        DETACHED,
        /** It is waited for. */
        AWAITED,
        OVER
    }

    Stage stage = Stage.NEW;

    @Nullable UnderWay previous;

    @Nullable UnderWay next;

    /** The subscriber that it works for. */
    abstract CoreSubscriber<?> subscriber();

    /** Whether it waits for what that loop knows nothing of. */
    abstract boolean isForeign(LoopCore loop);

    /** The link through which the owner hears of it, if that leads by operators to the owner alone; or null. */
    final @Nullable Scannable linkTo(Object owner) {
        return link(subscriber(), owner);
    }

    /**
     * The link through which an owner, a subscriber or a task, hears what a subscriber is told; null if there is none.
     */
    static @Nullable Scannable link(CoreSubscriber<?> subscriber, Object owner) {
        try {
            Object at = subscriber;
            while (at instanceof Scannable scannable) {
                if (at == owner) {
                    return scannable;
                }
                at = scannable.scanUnsafe(Scannable.Attr.ACTUAL);
                if (at == owner && !(owner instanceof CoreSubscriber)) {
                    return scannable; // a task, which its wait tells
                }
            }
        } catch (RuntimeException e) { // an operator's
            Operators.onErrorDropped(e, subscriber.currentContext());
        }
        return null;
    }
}
