package asyncio.redis;

import asyncio.ColdMono;
import asyncio.Suspension;
import asyncio.sync.Permit;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.redisson.api.RStream;
import org.redisson.api.stream.PendingEntry;
import org.redisson.api.stream.StreamAddArgs;
import org.redisson.api.stream.StreamMessageId;
import org.redisson.api.stream.StreamPendingRangeArgs;
import org.redisson.api.stream.StreamReadGroupArgs;
import reactor.core.CoreSubscriber;
import reactor.util.Logger;
import reactor.util.Loggers;

/** The Mono of {@code get}. */
final class MonoLease<T> extends ColdMono<Delivery<T>> {
    private static final Logger LOG = Loggers.getLogger("asyncio");

    /** Marks the end of a search for items with an expired lease. */
    static final StreamMessageId END = new StreamMessageId(0, 0);

    private final RedisQueue<T> queue;

    MonoLease(RedisQueue<T> queue) {
        super(MonoLease.class);
        this.queue = queue;
    }

    @Override
    protected void start(CoreSubscriber<? super Delivery<T>> actual) {
        actual.onSubscribe(new Getter<>(queue, actual));
    }

    @Override
    public String toString() {
        return "get of " + queue;
    }

    /**
     * A consumer that waits for an item. It takes a new one, and a few times in a lease looks for one with an expired
     * lease first, so that neither kind waits for long. An item that arrives after the consumer has left keeps its
     * lease.
     */
    private static final class Getter<T> extends Suspension<Delivery<T>> {
        /** The longest wait for a new item, which a cancelled getter completes, and between two looks at old ones. */
        private static final Duration LONGEST = Duration.ofSeconds(1);

        private @Nullable Permit turn;
        private boolean madeGroup;
        private final RedisQueue<T> queue;
        private final RStream<String, byte[]> stream;
        private final Duration lease;

        Getter(RedisQueue<T> queue, CoreSubscriber<? super Delivery<T>> actual) {
            super(actual, null);
            this.queue = queue;
            this.stream = queue.stream;
            this.lease = queue.options.lease();
        }

        @Override
        protected boolean begin() {
            queue.turn.acquire().subscribe(turn -> {
                this.turn = turn;
                takeNext();
            });
            return false;
        }

        private void takeNext() {
            if (queue.shutdown.isKnown()) {
                takeUnlessOver();
            } else if (System.nanoTime() - queue.lookedAt < longest().toNanos()) {
                waitForNew();
            } else {
                takeLeft(StreamMessageId.MIN);
            }
        }

        /** Ends if the queue is shut down and none of its items can be delivered. */
        private void takeUnlessOver() {
            queue.shutdown
                    .isOver()
                    .subscribe(
                            over -> {
                                if (over) {
                                    end(queue.shutdown.error("get from"));
                                } else {
                                    takeLeft(StreamMessageId.MIN);
                                }
                            },
                            this::end);
        }

        /** Returns the time after which it is time to look for expired leases. */
        private Duration longest() {
            Duration part = lease.dividedBy(3);
            return part.compareTo(LONGEST) < 0 ? part : LONGEST;
        }

        /** Returns the longest wait for a new item; none comes into a queue that is shut down. */
        private Duration longestWait() {
            Duration longest = longest();
            return queue.shutdown.isKnown() && longest.compareTo(RedisQueue.LOOK) > 0 ? RedisQueue.LOOK : longest;
        }

        private void takeLeft(StreamMessageId from) {
            if (!isWaiting()) {
                passOn();
                return;
            }
            stream.autoClaimAsync(RedisQueue.GROUP, queue.consumer, lease.toMillis(), TimeUnit.MILLISECONDS, from, 1)
                    .whenComplete((claimed, e) -> {
                        if (e != null) {
                            failed(e);
                        } else if (!claimed.getMessages().isEmpty()) {
                            again(claimed.getMessages());
                        } else if (!claimed.getNextId().equals(END)) { // it checks a few of them at a time
                            takeLeft(claimed.getNextId());
                        } else {
                            queue.lookedAt = System.nanoTime();
                            waitForNew();
                        }
                    });
        }

        /** Handles an error; a server that has lost its data has no group any more. */
        private void failed(Throwable e) {
            if (madeGroup || !String.valueOf(e.getMessage()).contains("NOGROUP")) {
                end(e);
                return;
            }
            madeGroup = true;
            queue.makeGroup().whenComplete((made, error) -> {
                if (error != null) {
                    end(error);
                } else {
                    takeLeft(StreamMessageId.MIN);
                }
            });
        }

        /** Lets the next getter ask. */
        private void passOn() {
            Permit turn = this.turn;
            if (turn != null) {
                turn.release();
            }
        }

        private void waitForNew() {
            if (!isWaiting()) {
                passOn();
                return;
            }
            stream.readGroupAsync(
                            RedisQueue.GROUP,
                            queue.consumer,
                            StreamReadGroupArgs.neverDelivered().count(1).timeout(longestWait()))
                    .whenComplete((read, e) -> {
                        if (e != null) {
                            failed(e);
                        } else if (read == null || read.isEmpty()) {
                            takeUnlessOver();
                        } else {
                            read.forEach((id, entry) -> give(id, entry, 1));
                        }
                    });
        }

        /** Drops an item that was delivered before if the queue drops its items. */
        private void again(Map<StreamMessageId, Map<String, byte[]>> claimed) {
            StreamMessageId id = claimed.keySet().iterator().next();
            queue.shutdown
                    .drops()
                    .subscribe(
                            drops -> {
                                if (drops) {
                                    acknowledge(id);
                                } else {
                                    again(id, claimed.get(id));
                                }
                            },
                            this::end);
        }

        private void acknowledge(StreamMessageId id) {
            queue.acknowledge(List.of(id)).whenComplete((done, e) -> {
                if (e != null) {
                    end(e);
                } else {
                    takeLeft(StreamMessageId.MIN);
                }
            });
        }

        /** Finds out how often an item was delivered before. */
        private void again(StreamMessageId id, @Nullable Map<String, byte[]> entry) {
            pending(id).whenComplete((pending, e) -> {
                if (e != null) {
                    end(e);
                } else if (pending.isEmpty() || entry == null) { // acknowledged in the meantime
                    takeLeft(StreamMessageId.MIN);
                } else {
                    long count = pending.get(0).getDeliveryCount();
                    long most = queue.options.maxDeliveries();
                    if (most > 0 && count > most) {
                        bury(id, entry);
                    } else {
                        give(id, entry, count);
                    }
                }
            });
        }

        private CompletionStage<List<PendingEntry>> pending(StreamMessageId id) {
            return stream.listPendingAsync(StreamPendingRangeArgs.groupName(RedisQueue.GROUP)
                    .startId(id)
                    .endId(id)
                    .count(1)
                    .consumerName(queue.consumer));
        }

        private void bury(StreamMessageId id, Map<String, byte[]> entry) {
            queue.dead
                    .addAsync(StreamAddArgs.entries(entry))
                    .thenCompose(buried -> queue.acknowledge(List.of(id)))
                    .whenComplete((done, e) -> {
                        if (e != null) {
                            end(e);
                        } else {
                            takeLeft(StreamMessageId.MIN);
                        }
                    });
        }

        private void give(StreamMessageId id, Map<String, byte[]> entry, long count) {
            T item;
            try {
                item = queue.itemOf(entry);
            } catch (Exception | LinkageError e) { // the codec's
                LOG.warn("Could not read entry " + id + " of " + queue + ": it is moved to the dead letters", e);
                bury(id, entry);
                return;
            }
            Lease leased = new Lease("item " + id + " of " + queue, lease, () -> renew(id, count));
            passOn();
            if (grant(new Delivery<>(item, count, leased, () -> queue.acknowledge(List.of(id))))) {
                deliver();
            } else {
                leased.end();
            }
        }

        /** Claims the item again, which restarts its lease, unless it was delivered again in the meantime. */
        private CompletionStage<Boolean> renew(StreamMessageId id, long count) {
            return pending(id)
                    .thenCompose(pending -> pending.isEmpty() || pending.get(0).getDeliveryCount() != count
                            ? CompletableFuture.completedFuture(false)
                            : stream.fastClaimAsync(RedisQueue.GROUP, queue.consumer, 0, TimeUnit.MILLISECONDS, id)
                                    .thenApply(claimed -> !claimed.isEmpty()));
        }

        private void end(Throwable e) {
            passOn();
            if (fail(RedisPermits.cause(e))) {
                deliver();
            }
        }

        /** Does nothing: a getter that is asking completes that; one in line takes its turn and passes it on. */
        @Override
        protected void leave() {}

        @Override
        public void giveBack(@Nullable Delivery<T> delivery) {
            if (delivery != null) {
                delivery.release();
            }
        }

        @Override
        protected String target() {
            return "an item of " + queue;
        }
    }
}
