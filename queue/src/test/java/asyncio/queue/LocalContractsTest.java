package asyncio.queue;

import org.junit.jupiter.api.Nested;

/** The contracts that local queues and broadcasts share with those on a server. */
class LocalContractsTest {
    @Nested
    class OfQueue extends AsyncQueueContract {
        @Override
        protected AsyncQueue<Integer> newQueue(int maxsize) {
            return AsyncQueue.of(new Queue<>(maxsize));
        }
    }

    @Nested
    class OfPriorityQueue extends AsyncQueueContract {
        @Override
        protected AsyncQueue<Integer> newQueue(int maxsize) {
            return AsyncQueue.of(new PriorityQueue<>(maxsize));
        }
    }

    @Nested
    class OfLifoQueue extends AsyncQueueContract {
        @Override
        protected AsyncQueue<Integer> newQueue(int maxsize) {
            return AsyncQueue.of(new LifoQueue<>(maxsize));
        }
    }

    @Nested
    class OfBroadcast extends AsyncBroadcastContract {
        @Override
        protected AsyncBroadcast<Integer> newBroadcast() {
            return AsyncBroadcast.of(new Broadcast<>());
        }
    }
}
