package asyncio.testkit;

import io.netty.buffer.ByteBuf;
import io.netty.channel.ChannelOutboundBuffer;
import io.netty.channel.EventLoop;
import io.netty.util.concurrent.ScheduledFuture;
import java.util.ArrayDeque;
import java.util.Arrays;
import java.util.Deque;
import java.util.concurrent.TimeUnit;
import java.util.function.IntSupplier;

/**
 * One direction of a {@link MemoryPair}: the bytes that one end has sent and the other has not read. To be used on the
 * pair's loop.
 */
public final class Transit {
    // It holds arrays and none of Netty's buffers: nothing leaks when it is forgotten.

    /** After the last byte; told from an array of that length by its identity. */
    private static final byte[] END = {};

    private static final byte[] RESET = {};

    private final EventLoop loop;
    private final MemoryChannel sender;
    private final MemoryChannel receiver;
    private Wire wire;
    private IntSupplier chunkSizes;

    /** Sent into a wire that stalls. */
    private final Deque<byte[]> held = new ArrayDeque<>();
    /** Sent with latency; they come in their order, the first one with the first timer. */
    private final Deque<byte[]> inFlight = new ArrayDeque<>();

    private final Deque<ScheduledFuture<?>> timers = new ArrayDeque<>();
    private long lastArrival = Long.MIN_VALUE;

    private final Deque<byte[]> arrived = new ArrayDeque<>();
    /** The number of bytes already read of the first piece that has arrived. */
    private int headRead;

    /** The number of bytes in these queues. */
    private int unread;

    private boolean broken;
    private boolean senderWaits;
    private boolean deliveryScheduled;
    private long bytes;
    private long mostUnsent;

    Transit(EventLoop loop, MemoryChannel sender, MemoryChannel receiver, Wire wire) {
        this.loop = loop;
        this.sender = sender;
        this.receiver = receiver;
        this.wire = wire;
        this.chunkSizes = wire.chunkSizes();
    }

    /** Returns the number of bytes that have been sent so far, whether or not they have arrived or will. */
    public long bytes() {
        return bytes;
    }

    /**
     * Returns the most bytes that have waited in the writer's own buffer because there was no room in the wire; Netty
     * counts about 100 for each write on top. One that drains never has more than its high limit (64 KiB) and the last
     * write.
     */
    public long mostUnsent() {
        return mostUnsent;
    }

    /** The properties of the wire. */
    public Wire wire() {
        return wire;
    }

    /**
     * Changes what it is like. What is in flight keeps its time; what a wire that stalled has held back departs now.
     */
    public void become(Wire wire) {
        this.wire = wire;
        this.chunkSizes = wire.chunkSizes();
        if (!stalls()) {
            held.forEach(this::depart);
            held.clear();
        }
        breakIfDue();
        resumeSender();
        scheduleDelivery();
    }

    // ---- the sender's side

    /** Takes as much as there is room for. */
    void send(ChannelOutboundBuffer out) {
        mostUnsent = Math.max(mostUnsent, out.totalPendingWriteBytes());
        while (out.current() instanceof ByteBuf message) {
            int n = Math.min(message.readableBytes(), Math.max(0, wire.capacity - unread));
            if (n == 0 && message.isReadable()) {
                senderWaits = true;
                return;
            }
            byte[] copy = new byte[n];
            message.getBytes(message.readerIndex(), copy);
            send(copy);
            out.removeBytes(n); // last: whoever waits for this may say on this stack that it is the end
        }
    }

    private void send(byte[] sent) {
        if (sent.length == 0) {
            return;
        }
        long room = broken ? 0 : wire.cut == null ? Long.MAX_VALUE : Math.max(0, wire.cutAt - bytes);
        int passed = (int) Math.min(sent.length, room);
        boolean lost = wire.cut != Wire.Cut.STALL;
        bytes += sent.length;
        unread += lost ? passed : sent.length;
        if (passed > 0) {
            depart(Arrays.copyOf(sent, passed));
        }
        if (passed < sent.length && !lost) {
            held.add(Arrays.copyOfRange(sent, passed, sent.length));
        }
        breakIfDue();
    }

    /** The sender will send nothing more. */
    void end() {
        if (!broken) {
            push(END);
        }
    }

    /** The sender knows nothing of the connection, or not any more. */
    void reset() {
        push(RESET);
    }

    /** Does what the wire says for this byte. */
    void breakIfDue() {
        if (broken || wire.cut == null || wire.cut == Wire.Cut.STALL || bytes < wire.cutAt) {
            return;
        }
        broken = true;
        push(wire.cut == Wire.Cut.END ? END : RESET);
        receiver.outgoing().reset(); // the sender's end of the connection is no more
    }

    private boolean stalls() {
        return wire.cut == Wire.Cut.STALL && bytes >= wire.cutAt;
    }

    // ---- on the way

    private void push(byte[] segment) {
        if (stalls()) {
            held.add(segment);
        } else {
            depart(segment);
        }
    }

    private void depart(byte[] segment) {
        long now = loop.ticker().nanoTime();
        lastArrival = Math.max(lastArrival, now + wire.latency.toNanos());
        if (lastArrival <= now && inFlight.isEmpty()) {
            arrive(segment);
        } else {
            inFlight.add(segment);
            timers.add(loop.schedule(this::arriveNext, lastArrival - now, TimeUnit.NANOSECONDS));
        }
    }

    private void arriveNext() {
        timers.remove();
        arrive(inFlight.remove());
    }

    private void arrive(byte[] segment) {
        arrived.add(segment);
        scheduleDelivery();
    }

    /** The receiver gets a reset at once; what is under way is lost. */
    void breakNow() {
        broken = true;
        forget();
        arrive(RESET);
    }

    /** Called when no end is left. */
    void forget() {
        timers.forEach(timer -> timer.cancel(false));
        timers.clear();
        held.clear();
        inFlight.clear();
        arrived.clear();
        headRead = 0;
        unread = 0;
    }

    // ---- the receiver's side

    /** One piece, or one mark, in a step of its own: who reads has its turn between two of them. */
    void scheduleDelivery() {
        if (!deliveryScheduled && !arrived.isEmpty()) {
            deliveryScheduled = true;
            loop.execute(this::deliver);
        }
    }

    private void deliver() {
        deliveryScheduled = false;
        boolean reset = arrived.contains(RESET);
        if (!receiver.isOpen()) {
            if (discard()) {
                receiver.outgoing().reset(); // as a kernel answers bytes for a socket that it does not know
            }
        } else if (arrived.peek() == RESET || reset && !receiver.wantsToRead()) {
            discard(); // who does not read is told at once all the same: its writes fail
            receiver.receiveReset();
        } else if (receiver.isInputShutdown()) {
            discard();
        } else if (receiver.wantsToRead() && !arrived.isEmpty()) {
            if (arrived.peek() == END) {
                arrived.remove();
                receiver.receiveEnd();
            } else {
                pass(Math.min(available(), chunkSizes.getAsInt()));
            }
            scheduleDelivery();
        }
    }

    /** All that is under way, at once: the receiver is about to be closed. */
    void deliverRest() {
        timers.forEach(timer -> timer.cancel(false));
        timers.clear();
        arrived.addAll(inFlight);
        inFlight.clear();
        if (available() > 0) {
            pass(available());
        }
        if (arrived.contains(RESET)) {
            receiver.receiveReset();
        }
    }

    private void pass(int n) {
        byte[] piece = take(n);
        drop(n);
        receiver.receive(piece);
    }

    private byte[] take(int n) {
        byte[] piece = new byte[n];
        for (int filled = 0; filled < n; ) {
            byte[] head = arrived.element();
            int part = Math.min(n - filled, head.length - headRead);
            System.arraycopy(head, headRead, piece, filled, part);
            filled += part;
            headRead += part;
            if (headRead == head.length) {
                arrived.remove();
                headRead = 0;
            }
        }
        return piece;
    }

    /** Returns the number of bytes that have arrived. */
    private int available() {
        return arrived.stream().mapToInt(segment -> segment.length).sum() - headRead;
    }

    /** Throws away what has arrived and nobody will read; true if there were bytes. */
    boolean discard() {
        int discarded = available();
        arrived.clear();
        headRead = 0;
        drop(discarded);
        return discarded > 0;
    }

    private void drop(int n) {
        unread -= n;
        resumeSender();
    }

    private void resumeSender() {
        if (senderWaits) {
            senderWaits = false;
            loop.execute(sender::resumeWriting);
        }
    }

    /** {@code <Transit local:client -> local:server, 12 bytes, 5 unread, <Wire ...>>}. */
    @Override
    public String toString() {
        return "<Transit " + sender.localAddress() + " -> " + receiver.localAddress() + ", " + bytes + " bytes, "
                + unread + " unread" + (broken ? ", broken" : stalls() ? ", stalled" : "") + ", " + wire + ">";
    }
}
