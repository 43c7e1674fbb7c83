package asyncio.streams;

import asyncio.AwaitedSubscription;
import asyncio.CancelledException;
import asyncio.Future;
import asyncio.Suspension;
import java.util.concurrent.atomic.AtomicIntegerFieldUpdater;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import reactor.core.CoreSubscriber;
import reactor.core.Scannable;
import reactor.core.publisher.Mono;
import reactor.core.publisher.Operators;

/** The Mono of {@link Server#serveForever}. */
final class MonoServeForever extends Mono<Void> {
    private final Server server;

    MonoServeForever(Server server) {
        this.server = server;
    }

    @Override
    public void subscribe(CoreSubscriber<? super Void> actual) {
        actual.onSubscribe(new ServeSubscription(server, actual));
    }

    @Override
    public String toString() {
        return "serveForever of " + server;
    }

    /**
     * A cancel request closes the server, and this ends when that has finished; a second request, in a later tick, does
     * not wait.
     */
    private static final class ServeSubscription
            implements AwaitedSubscription<Void>, Consumer<Future<Void>>, Scannable {
        private static final AtomicIntegerFieldUpdater<ServeSubscription> STATE =
                AtomicIntegerFieldUpdater.newUpdater(ServeSubscription.class, "state");
        private static final int SUBSCRIBED = 0;
        private static final int SERVING = 1;
        private static final int CLOSING = 2;
        private static final int ENDED = 3;

        private final Server server;
        private final CoreSubscriber<? super Void> actual;
        private volatile int state;
        private volatile @Nullable String cancelMessage;
        /** Set during the tick of the first request, in which further requests are ignored. */
        private volatile boolean justRequested;

        ServeSubscription(Server server, CoreSubscriber<? super Void> actual) {
            this.server = server;
            this.actual = actual;
        }

        @Override
        public void request(long n) {
            if (Operators.validate(n) && STATE.compareAndSet(this, SUBSCRIBED, SERVING)) {
                server.onLoop(this::enter);
            }
        }

        private void enter() {
            try {
                if (state == SERVING) {
                    server.enterForever(this);
                }
            } catch (IllegalStateException e) {
                if (STATE.getAndSet(this, ENDED) != ENDED) {
                    actual.onError(e);
                }
                return;
            }
            server.finished().addDoneCallback(this);
        }

        /** The server is closed and its clients are gone. */
        @Override
        public void accept(Future<Void> finished) {
            int before = STATE.getAndSet(this, ENDED);
            server.leaveForever(this);
            if (before == CLOSING) {
                actual.onError(CancelledException.of(server.getLoop(), cancelMessage));
            } else if (before == SERVING) {
                actual.onComplete();
            }
        }

        @Override
        public void cancel() {
            if (STATE.getAndSet(this, ENDED) != ENDED) {
                server.close();
            }
        }

        @Override
        public boolean requestCancel(@Nullable String message) {
            if (justRequested) {
                return true;
            }
            cancelMessage = message;
            if (STATE.compareAndSet(this, SERVING, CLOSING)) {
                justRequested = true;
                Suspension.later(server.getLoop(), () -> justRequested = false);
                server.close();
                return true;
            }
            if (STATE.getAndSet(this, ENDED) == ENDED) {
                return false;
            }
            actual.onError(CancelledException.of(server.getLoop(), message));
            return true;
        }

        @Override
        public void giveBack(@Nullable Void value) {
            // there is nothing to give back
        }

        @Override
        @SuppressWarnings("rawtypes")
        public @Nullable Object scanUnsafe(Attr key) {
            if (key == Attr.ACTUAL) {
                return actual;
            }
            if (key == Attr.TERMINATED) {
                return state == ENDED;
            }
            return key == Attr.RUN_STYLE ? Attr.RunStyle.ASYNC : null;
        }
    }
}
