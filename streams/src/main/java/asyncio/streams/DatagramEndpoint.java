package asyncio.streams;

import asyncio.EventLoop;
import asyncio.ExceptionContext;
import asyncio.Leftover;
import asyncio.Leftovers;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.DatagramChannel;
import java.util.ArrayDeque;
import java.util.Objects;
import java.util.concurrent.RejectedExecutionException;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import reactor.core.Disposable;
import reactor.core.Exceptions;
import reactor.core.publisher.Operators;
import reactor.util.context.Context;
import reactor.util.context.ContextView;

/** A datagram transport over a {@code java.nio} channel, on every loop. Its state belongs to the loop. */
class DatagramEndpoint implements DatagramTransport {
    /** The size of the UDP header, counted for each buffered datagram. */
    private static final int HEADER = 8;

    @SuppressWarnings("ArrayRecordComponent") // never compared
    private record Unsent(byte[] data, @Nullable InetSocketAddress to) {}

    private final EventLoop loop;
    private final DatagramChannel channel;
    private final ContextView context;
    private final InetSocketAddress local;
    /** Null if the channel is not connected. */
    private final @Nullable InetSocketAddress peer;
    /** The only address that this transport sends to, connected or not; null for any. */
    private final @Nullable InetSocketAddress remote;

    private final ByteBuffer buffer = ByteBuffer.allocateDirect(DatagramSocketCore.LARGEST);
    private final ArrayDeque<Unsent> unsent = new ArrayDeque<>(0);
    private final DroppedWrites dropped = new DroppedWrites();
    private final Disposable withLoop;
    private volatile DatagramProtocol protocol;
    private volatile WriteBufferLimits limits = WriteBufferLimits.DEFAULT;
    private volatile int size;
    private volatile boolean closing;
    private volatile boolean lost;
    private boolean paused;

    /** @param remote the address to send to if the channel is not connected */
    DatagramEndpoint(
            EventLoop loop,
            DatagramChannel channel,
            @Nullable InetSocketAddress remote,
            DatagramProtocol protocol,
            ContextView context)
            throws IOException {
        this.loop = loop;
        this.channel = channel;
        this.protocol = Objects.requireNonNull(protocol, "protocol");
        this.context = context;
        this.local = (InetSocketAddress) channel.getLocalAddress();
        this.peer = (InetSocketAddress) channel.getRemoteAddress();
        this.remote = peer == null ? remote : peer;
        this.withLoop = loop.onClose(() -> lose(null));
    }

    /**
     * Passes a socket to a new protocol and calls its {@code connectionMade}; closes the socket if the protocol cannot
     * be created.
     */
    static <P extends DatagramProtocol> Opened<DatagramTransport, P> open(
            EventLoop loop,
            Datagrams.Socket socket,
            Supplier<? extends P> factory,
            ContextView context,
            @Nullable Throwable site) {
        try {
            P protocol = StreamTransport.newProtocol(loop, factory, context);
            DatagramEndpoint endpoint = new DatagramEndpoint(loop, socket.socket(), socket.remote(), protocol, context);
            Leftovers.watch(Leftover.Kind.CONNECTION, endpoint, endpoint::isOpen, site);
            endpoint.start();
            return new Opened<>(endpoint, protocol);
        } catch (Throwable e) {
            throw Exceptions.propagate(Datagrams.closing(socket.socket(), e));
        }
    }

    /** Calls {@code connectionMade} and starts receiving. */
    void start() {
        if (!tell("connectionMade", () -> protocol.connectionMade(this))) {
            abort();
        }
        if (!closing) {
            loop.addReader(channel, this::readable);
        }
    }

    // ---- receiving

    private void readable() {
        for (int i = 0; i < DatagramSocketCore.BURST && !closing; i++) {
            Datagram next;
            try {
                next = DatagramSocketCore.tryReceive(channel, buffer);
            } catch (IOException e) {
                tell("errorReceived", () -> protocol.errorReceived(e));
                return;
            } catch (RuntimeException e) {
                fatal("Fatal read error on datagram transport", e);
                return;
            }
            if (next == null) {
                return;
            }
            tell("datagramReceived", () -> protocol.datagramReceived(next.data(), next.from()));
        }
    }

    // ---- sending

    @Override
    public void sendTo(byte[] data) {
        if (remote == null) {
            throw new IllegalStateException(
                    this + " has no remote address: use sendTo(data, to), or set DatagramOptions.remoteAddress");
        }
        send(Objects.requireNonNull(data, "data"), peer == null ? remote : null);
    }

    @Override
    public void sendTo(byte[] data, InetSocketAddress to) {
        Objects.requireNonNull(data, "data");
        if (remote != null && !remote.equals(to)) {
            throw new IllegalArgumentException(this + " sends to " + remote + " only, not to " + to);
        }
        if (to.isUnresolved()) {
            throw new IllegalArgumentException(
                    "Cannot send to " + to + ", which is not resolved: look it up with Names.getAddrInfo");
        }
        send(data, peer == null ? to : null);
    }

    private void send(byte[] data, @Nullable InetSocketAddress to) {
        if (loop.netty().inEventLoop()) {
            sendHere(data, to);
        } else {
            byte[] copy = data.clone();
            onLoop(() -> sendHere(copy, to));
        }
    }

    private void sendHere(byte[] data, @Nullable InetSocketAddress to) {
        if (closing) {
            dropped.add(this);
            return;
        }
        if (unsent.isEmpty()) {
            if (trySend(data, to)) {
                return;
            }
            loop.addWriter(channel, this::writable);
        }
        unsent.add(new Unsent(data.clone(), to));
        resize(data.length + HEADER);
        compareWithLimits();
    }

    /** Sends the datagram, or reports the error to the protocol; returns false if there is no room. */
    private boolean trySend(byte[] data, @Nullable InetSocketAddress to) {
        try {
            return attempt(data, to);
        } catch (IOException e) {
            tell("errorReceived", () -> protocol.errorReceived(e));
        } catch (RuntimeException e) { // such as an address of the other family
            fatal("Fatal write error on datagram transport", e);
        }
        return true;
    }

    /** Overridden in tests, since the system's buffers for datagrams to this host are never full. */
    boolean attempt(byte[] data, @Nullable InetSocketAddress to) throws IOException {
        return DatagramSocketCore.trySend(channel, data, to);
    }

    private void writable() {
        for (int i = 0; i < DatagramSocketCore.BURST && !lost; i++) {
            Unsent next = unsent.peek();
            if (next == null) {
                break;
            }
            unsent.remove(); // before the protocol is told of an error, in which it may send
            resize(-next.data.length - HEADER);
            if (!trySend(next.data, next.to)) {
                unsent.addFirst(next);
                resize(next.data.length + HEADER);
                break;
            }
        }
        if (lost) {
            return;
        }
        compareWithLimits();
        if (unsent.isEmpty()) {
            loop.removeWriter(channel);
            if (closing) {
                lose(null);
            }
        }
    }

    @SuppressWarnings("NonAtomicVolatileUpdate") // by the loop only
    private void resize(int change) {
        size += change;
    }

    private void compareWithLimits() {
        if (!paused && size > limits.high()) {
            paused = true;
            tell("pauseWriting", () -> protocol.pauseWriting());
        } else if (paused && size <= limits.low()) {
            paused = false;
            tell("resumeWriting", () -> protocol.resumeWriting());
        }
    }

    @Override
    public int getWriteBufferSize() {
        return size;
    }

    @Override
    public WriteBufferLimits getWriteBufferLimits() {
        return limits;
    }

    @Override
    public void setWriteBufferLimits(WriteBufferLimits limits) {
        this.limits = Objects.requireNonNull(limits, "limits");
        onLoop(this::compareWithLimits);
    }

    // ---- the end

    @Override
    public void close() {
        onLoop(() -> {
            if (closing) {
                return;
            }
            closing = true;
            loop.removeReader(channel);
            if (unsent.isEmpty()) {
                later(() -> lose(null));
            }
        });
    }

    @Override
    public void abort() {
        onLoop(() -> {
            closing = true;
            loop.removeReader(channel);
            loop.removeWriter(channel);
            unsent.clear();
            size = 0;
            later(() -> lose(null));
        });
    }

    /** Handles an error that is not due to a datagram. */
    private void fatal(String message, RuntimeException error) {
        report(message, error);
        closing = true;
        later(() -> lose(error));
    }

    private void lose(@Nullable Throwable cause) {
        if (lost) {
            return;
        }
        lost = true;
        closing = true;
        unsent.clear();
        size = 0;
        withLoop.dispose();
        try {
            channel.close();
        } catch (IOException e) {
            Operators.onErrorDropped(e, Context.empty());
        }
        loop.removeReader(channel); // after closing, so that its watcher releases the descriptor
        loop.removeWriter(channel);
        tell("connectionLost", () -> protocol.connectionLost(cause));
    }

    // ---- the loop and the protocol

    private void onLoop(Runnable step) {
        if (loop.netty().inEventLoop()) {
            step.run();
        } else {
            later(step);
        }
    }

    private void later(Runnable step) {
        try {
            loop.netty().execute(step);
        } catch (RejectedExecutionException e) {
            // the loop is closed, and this with it
        }
    }

    /** Calls the protocol; returns false if the call threw. */
    private boolean tell(String method, Runnable call) {
        try {
            loop.runInContext(call, context);
            return true;
        } catch (Throwable e) {
            report("Fatal error: protocol." + method + "() call failed.", e);
            return false;
        }
    }

    private void report(String message, Throwable error) {
        loop.callExceptionHandler(ExceptionContext.of(message)
                .exception(error)
                .transport(this)
                .protocol(protocol)
                .build());
    }

    // ---- state

    boolean isOpen() {
        return !lost;
    }

    @Override
    public boolean isClosing() {
        return closing;
    }

    @Override
    public @Nullable Object getExtraInfo(String name, @Nullable Object defaultValue) {
        Object value = switch (Objects.requireNonNull(name, "name")) {
            case "sockname" -> local;
            case "peername" -> peer;
            case "socket" -> channel;
            default -> null;
        };
        return value == null ? defaultValue : value;
    }

    @Override
    public EventLoop getLoop() {
        return loop;
    }

    @Override
    public void setProtocol(BaseProtocol<?> protocol) {
        if (!(protocol instanceof DatagramProtocol datagrams)) {
            throw new IllegalArgumentException("The protocol of datagrams must be a DatagramProtocol, not " + protocol);
        }
        this.protocol = datagrams;
    }

    @Override
    public BaseProtocol<?> getProtocol() {
        return protocol;
    }

    /** {@code <DatagramTransport /127.0.0.1:9999 open>}. */
    @Override
    public String toString() {
        return "<DatagramTransport " + local + (remote == null ? "" : " -> " + remote)
                + (lost ? " closed" : closing ? " closing" : " open") + ">";
    }
}
