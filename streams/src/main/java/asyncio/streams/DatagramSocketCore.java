package asyncio.streams;

import asyncio.EventLoop;
import asyncio.Suspension;
import asyncio.WaitQueue;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.DatagramChannel;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import reactor.core.Disposable;
import reactor.core.publisher.Operators;
import reactor.util.context.Context;

/**
 * A datagram socket and its waiters. The only buffer is the operating system's: a datagram is received when a receiver
 * waits for it. All state is guarded by this object's monitor, and waiters are resumed outside it.
 *
 * <p>Uses a {@code java.nio} channel on every loop: Netty's datagram channels report empty datagrams as sent without
 * sending them, and a connected one on epoll does not receive them.
 */
final class DatagramSocketCore {
    /** The maximum number of datagrams in a row, to be fair to others. */
    static final int BURST = 16;

    /** The maximum size of a datagram, in bytes, in any protocol. */
    static final int LARGEST = 65_535;

    private final EventLoop loop;
    private final DatagramChannel channel;
    final InetSocketAddress local;
    final @Nullable InetSocketAddress remote;

    private final ByteBuffer buffer = ByteBuffer.allocateDirect(LARGEST);
    private final WaitQueue<ReceiveSuspension> receivers = new WaitQueue<>();
    private final WaitQueue<SendSuspension> senders = new WaitQueue<>();
    /** Datagrams that were granted and given back. */
    private final ArrayDeque<Datagram> returned = new ArrayDeque<>(0);

    private boolean reading;
    private boolean writing;
    private volatile boolean closed;
    private final Disposable withLoop;

    DatagramSocketCore(EventLoop loop, DatagramChannel channel) throws IOException {
        this.loop = loop;
        this.channel = channel;
        this.local = (InetSocketAddress) channel.getLocalAddress();
        this.remote = (InetSocketAddress) channel.getRemoteAddress();
        this.withLoop = loop.onClose(this::close);
    }

    // ---- receiving

    /** Returns whether it was settled at once. */
    synchronized boolean begin(ReceiveSuspension receiver) {
        if (!receiver.isStillWaiting()) {
            return false;
        }
        if (closed) {
            return receiver.end();
        }
        if (receivers.isEmpty() && offerNext(receiver)) {
            return true;
        }
        if (!reading) {
            loop.addReader(channel, this::readable);
            reading = true;
        }
        receivers.add(receiver);
        return false;
    }

    /**
     * Grants the receiver the next datagram, or fails it with the error of receiving; returns false if there is none.
     */
    private boolean offerNext(ReceiveSuspension receiver) {
        Datagram next;
        try {
            next = next();
        } catch (IOException e) {
            return receiver.refuse(e);
        }
        if (next == null) {
            return false;
        }
        if (!receiver.offer(next)) { // just cancelled, and about to leave
            returned.addFirst(next);
        }
        return true;
    }

    private @Nullable Datagram next() throws IOException {
        Datagram first = returned.poll();
        if (first != null) {
            return first;
        }
        return tryReceive(channel, buffer);
    }

    /**
     * Receives a datagram from a non-blocking channel; null if there is none.
     *
     * @param buffer a buffer with room for the largest datagram
     */
    static @Nullable Datagram tryReceive(DatagramChannel channel, ByteBuffer buffer) throws IOException {
        buffer.clear();
        InetSocketAddress from = (InetSocketAddress) channel.receive(buffer);
        if (from == null) {
            return null;
        }
        byte[] data = new byte[buffer.flip().remaining()];
        buffer.get(data);
        return new Datagram(data, from);
    }

    /** Receives for the waiters; on the loop. */
    private void readable() {
        List<ReceiveSuspension> settled = new ArrayList<>();
        synchronized (this) {
            for (int i = 0; i < BURST; i++) {
                ReceiveSuspension receiver = receivers.peek();
                if (receiver == null) {
                    if (reading) { // further datagrams can wait in the socket
                        reading = false;
                        loop.removeReader(channel);
                    }
                    break;
                }
                if (closed || !offerNext(receiver)) {
                    break;
                }
                receivers.remove(receiver);
                settled.add(receiver);
            }
        }
        Suspension.deliverAll(settled);
    }

    synchronized void leave(ReceiveSuspension receiver) {
        receivers.remove(receiver);
    }

    /** Takes back a datagram that was granted to a cancelled receiver. */
    void giveBack(Datagram datagram) {
        ReceiveSuspension next;
        synchronized (this) {
            if (closed) {
                Operators.onDiscard(datagram, Context.empty());
                return;
            }
            do {
                next = receivers.poll();
            } while (next != null && !next.offer(datagram));
            if (next == null) {
                returned.addFirst(datagram);
            }
        }
        if (next != null) {
            next.deliver();
        }
    }

    // ---- sending

    /** Returns whether it was settled at once. */
    synchronized boolean begin(SendSuspension sender) {
        if (!sender.isStillWaiting()) {
            return false;
        }
        if (closed) {
            return sender.refuse(closedError());
        }
        if (senders.isEmpty() && trySend(sender)) {
            return true;
        }
        if (!writing) {
            loop.addWriter(channel, this::writable);
            writing = true;
        }
        senders.add(sender);
        return false;
    }

    /** Sends the datagram, or fails its sender; returns false if there is no room. */
    private boolean trySend(SendSuspension sender) {
        try {
            if (!trySend(channel, sender.data, sender.to)) {
                return false;
            }
        } catch (IOException | RuntimeException e) { // such as an address of the other family
            sender.refuse(e);
            return true;
        }
        sender.sent();
        return true;
    }

    /**
     * Sends a datagram on a non-blocking channel; returns false if there is no room.
     *
     * @param to the address; null for the peer of a connected channel
     */
    static boolean trySend(DatagramChannel channel, byte[] data, @Nullable SocketAddress to) throws IOException {
        if (data.length == 0 && channel.isConnected()) {
            throw new IOException("An empty datagram cannot be sent from a socket connected to "
                    + channel.getRemoteAddress()
                    + ", because Java sends nothing then: leave it unconnected and pass the address to send");
        }
        ByteBuffer bytes = ByteBuffer.wrap(data);
        return (to == null ? channel.write(bytes) : channel.send(bytes, to)) > 0 || data.length == 0;
    }

    /** Sends for the waiters; on the loop. */
    private void writable() {
        List<SendSuspension> settled = new ArrayList<>();
        synchronized (this) {
            for (int i = 0; i < BURST && !closed; i++) {
                SendSuspension sender = senders.peek();
                if (sender == null) {
                    if (writing) {
                        writing = false;
                        loop.removeWriter(channel);
                    }
                    break;
                }
                if (!sender.isStillWaiting()) {
                    senders.remove(sender); // just cancelled: not to be sent
                } else if (trySend(sender)) {
                    senders.remove(sender);
                    settled.add(sender);
                } else {
                    break;
                }
            }
        }
        Suspension.deliverAll(settled);
    }

    synchronized void leave(SendSuspension sender) {
        senders.remove(sender);
    }

    // ---- the end

    boolean isClosed() {
        return closed;
    }

    private IOException closedError() {
        return new IOException("Cannot send, since the socket is closed: " + this);
    }

    void close() {
        List<Suspension<?>> settled = new ArrayList<>();
        synchronized (this) {
            if (closed) {
                return;
            }
            closed = true;
            for (ReceiveSuspension receiver; (receiver = receivers.poll()) != null; ) {
                if (receiver.end()) {
                    settled.add(receiver);
                }
            }
            for (SendSuspension sender; (sender = senders.poll()) != null; ) {
                if (sender.refuse(closedError())) {
                    settled.add(sender);
                }
            }
            returned.clear();
        }
        withLoop.dispose();
        try {
            channel.close();
        } catch (IOException e) {
            Operators.onErrorDropped(e, Context.empty());
        }
        loop.removeReader(channel); // after closing, so that its watcher releases the descriptor
        loop.removeWriter(channel);
        Suspension.deliverAll(settled);
    }

    @Override
    public String toString() {
        return "<DatagramConnection " + local + (remote == null ? "" : " -> " + remote) + (closed ? " closed" : " open")
                + ">";
    }
}
