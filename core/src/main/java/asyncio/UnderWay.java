package asyncio;

import asyncio.internal.loop.LoopCore;
import org.jspecify.annotations.Nullable;
import reactor.core.CoreSubscriber;
import reactor.core.Scannable;
import reactor.core.publisher.Operators;

/**
 * Work of a subscription, known to the {@link Cleanups} of its subscriber from its start to its end. It is waited for
 * when it has been cancelled, or when its chain has ended without that: another thread is then about to cancel it.
 */
abstract class UnderWay {
    /** The stage within the {@link Cleanups} that it has entered; they guard this and the links. */
    enum Stage {
        NEW,
        /** It runs. */
        ENTERED,
        /** It runs, but not for the owner of these clean-ups: for a cache, perhaps, which has started it. */
        DETACHED,
        /** It is waited for. */
        AWAITED,
        OVER
    }

    Stage stage = Stage.NEW;

    @Nullable UnderWay previous;

    @Nullable UnderWay next;

    /** Returns the subscriber that it works for. */
    abstract CoreSubscriber<?> subscriber();

    /** Returns whether it waits for something that the given loop does not know. */
    abstract boolean isForeign(LoopCore loop);

    /**
     * Returns the link through which its signals reach the owner, if they pass through operators to the owner alone;
     * otherwise null.
     */
    final @Nullable Scannable linkTo(Object owner) {
        return link(subscriber(), owner);
    }

    /**
     * Returns the link through which the signals of a subscriber reach an owner, which is a subscriber or a task; null
     * if there is none.
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
                    return scannable; // a task, reached through its wait
                }
            }
        } catch (RuntimeException e) { // from an operator
            Operators.onErrorDropped(e, subscriber.currentContext());
        }
        return null;
    }
}
