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
 * One direction of a {@link MemoryPair}: the bytes that one end has sent and the other has not read. Use it only on the
 * pair's loop.
 */
public final class Transit {
    // It holds arrays, not Netty buffers, so that nothing leaks when it is forgotten.

    /** Follows the last byte; distinguished from an empty array by identity. */
    private static final byte[] END = {};

    private static final byte[] RESET = {};

    private final EventLoop loop;
    private final MemoryChannel sender;
    private final MemoryChannel receiver;
    private Wire wire;
    private IntSupplier chunkSizes;

    /** The segments sent into a stalled wire. */
    private final Deque<byte[]> held = new ArrayDeque<>();
    /** The segments sent with latency; they arrive in order, the first one with the first timer. */
    private final Deque<byte[]> inFlight = new ArrayDeque<>();

    private final Deque<ScheduledFuture<?>> timers = new ArrayDeque<>();
    private long lastArrival = Long.MIN_VALUE;

    private final Deque<byte[]> arrived = new ArrayDeque<>();
    /** The number of bytes already read from the first arrived segment. */
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

    /** Returns the number of bytes sent so far, whether or not they arrive. */
    public long bytes() {
        return bytes;
    }

    /**
     * Returns the maximum number of bytes that have waited in the writer's own buffer because there was no room in the
     * wire; Netty adds about 100 for each write. A writer that drains never has more than its high-water mark (64 KiB)
     * plus the last write.
     */
    public long mostUnsent() {
        return mostUnsent;
    }

    /** Returns the wire. */
    public Wire wire() {
        return wire;
    }

    /** Replaces the wire. Bytes in flight keep their arrival time; bytes held back by a stalled wire depart now. */
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

    /** Takes as many bytes as there is room for. */
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
            out.removeBytes(n); // last, since a listener for this may end the stream on this stack
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

    /** Marks the end of the sender's bytes. */
    void end() {
        if (!broken) {
            push(END);
        }
    }

    /** Sends a reset, since the sender does not know the connection, or no longer does. */
    void reset() {
        push(RESET);
    }

    /** Breaks the connection if the wire does so at this byte. */
    void breakIfDue() {
        if (broken || wire.cut == null || wire.cut == Wire.Cut.STALL || bytes < wire.cutAt) {
            return;
        }
        broken = true;
        push(wire.cut == Wire.Cut.END ? END : RESET);
        receiver.outgoing().reset(); // the sender's end of the connection no longer exists
    }

    private boolean stalls() {
        return wire.cut == Wire.Cut.STALL && bytes >= wire.cutAt;
    }

    // ---- in transit

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

    /** Resets the receiver immediately; the bytes under way are lost. */
    void breakNow() {
        broken = true;
        forget();
        arrive(RESET);
    }

    /** Drops everything, when both ends are closed. */
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

    /** Delivers one piece, or one mark, in a separate step, so that the reader has its turn between two of them. */
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
                receiver.outgoing().reset(); // as a kernel answers bytes for an unknown socket
            }
        } else if (arrived.peek() == RESET || reset && !receiver.wantsToRead()) {
            discard(); // even a receiver that does not read is reset immediately: its writes fail
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

    /** Delivers all bytes under way immediately, for a receiver that is about to be closed. */
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

    /** Discards the arrived bytes, which will not be read; true if there were any. */
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
