package asyncio.queue;

/** A snapshot of a queue's state, for messages. */
record QueueState(
        String type, int maxsize, int size, int getters, int putters, int watchers, long unfinished, boolean shutDown) {

    /** Describes the queue without calling the items' {@code toString}. */
    String describe() {
        return text("size=" + size);
    }

    QueueShutDownException refusal(String what) {
        return new QueueShutDownException("Cannot " + what + " " + describe() + ": it is shut down");
    }

    /** The text of CPython's queues, with the given text for the items, or for their number. */
    String text(String items) {
        StringBuilder text = new StringBuilder("<").append(type);
        if (maxsize == 0) {
            text.append(" rendezvous");
        } else {
            text.append(" maxsize=").append(maxsize == Integer.MAX_VALUE ? 0 : maxsize);
        }
        if (!items.isEmpty()) {
            text.append(' ').append(items);
        }
        if (getters > 0) {
            text.append(" getters[").append(getters).append(']');
        }
        if (putters > 0) {
            text.append(" putters[").append(putters).append(']');
        }
        if (unfinished > 0) {
            text.append(" tasks=").append(unfinished);
        }
        if (shutDown) {
            text.append(" shutdown");
        }
        return text.append('>').toString();
    }
}
