package asyncio.streams;

import asyncio.EventLoop;
import java.net.InetSocketAddress;
import java.util.NoSuchElementException;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/**
 * A datagram socket. Datagrams stay in the operating system's buffer until they are received; when it is full, the
 * system drops new ones.
 *
 * <p><b>Threading.</b> Every method may be called from any thread. Several callers may receive at a time, and get
 * datagrams in the order of their calls; several may send.
 *
 * <p><b>Cancelling</b> loses no datagram: a datagram granted to a receiver that is cancelled before it resumes goes to
 * the next receiver.
 *
 * <p><b>Errors</b> leave the socket open. On a connected socket, {@link java.net.PortUnreachableException} means that a
 * datagram sent <em>earlier</em> was refused: the next receive or send fails with it, and may be tried again.
 *
 * <pre>{@code
 * DatagramConnection dns = await(Datagrams.open(DatagramOptions.builder().remoteAddress("192.0.2.53", 53).build()));
 * await(dns.send(query));
 * Datagram answer = await(waitFor(dns.receive(), Duration.ofSeconds(2)));
 * }</pre>
 *
 * <p>asyncio: {@code DatagramTransport} and {@code DatagramProtocol} in one.
 *
 * @since 0.1.0
 */
public final class DatagramConnection implements AutoCloseable {
    /** The maximum for IPv6, in bytes; IPv4 allows 20 less, which the system checks. */
    private static final int MOST = 65_527;

    private final EventLoop loop;
    private final DatagramSocketCore core;

    DatagramConnection(EventLoop loop, DatagramSocketCore core) {
        this.loop = loop;
        this.core = core;
    }

    /**
     * Receives the next datagram, of any size. Completes empty when this is closed. Nothing happens until subscription;
     * cancelling leaves the datagram to the next receiver. Fails with the system's {@link java.io.IOException}.
     *
     * @since 0.1.0
     */
    public Mono<Datagram> receive() {
        return new MonoReceive(core);
    }

    /**
     * Emits all datagrams from here on, with one {@link #receive} for each requested item. Completes when this is
     * closed, fails as {@code receive} does: use {@code retry()} to continue after a refused datagram.
     *
     * <pre>{@code
     * Mono<Void> echo = socket.datagrams()
     *         .concatMap(datagram -> socket.send(datagram.data(), datagram.from()), 1)
     *         .then();
     * }</pre>
     *
     * @since 0.1.0
     */
    public Flux<Datagram> datagrams() {
        return Mono.defer(this::receive).single().repeat().onErrorComplete(NoSuchElementException.class); // closed
    }

    /**
     * Sends a datagram to the remote address of the options. Completes empty when the operating system has accepted it,
     * which does not mean that it arrives. Nothing happens until subscription; after cancellation the datagram has been
     * sent wholly or not at all.
     *
     * <p>Fails with the system's {@link java.io.IOException}, for example if the datagram is too large, if an earlier
     * one was refused, or after {@link #close}; and with an {@code IOException} for an empty datagram, which Java does
     * not send from a connected socket.
     *
     * @throws IllegalArgumentException if the datagram has more than 65,527 bytes
     * @throws IllegalStateException if there is no remote address
     * @since 0.1.0
     */
    public Mono<Void> send(byte[] data) {
        if (core.remote == null) {
            throw new IllegalStateException(
                    this + " has no remote address: use send(data, to), or set DatagramOptions.remoteAddress");
        }
        return new MonoSend(core, checked(data), null);
    }

    /**
     * Like {@link #send(byte[])}, to an address; without a remote address, empty datagrams can be sent as well.
     *
     * @throws IllegalArgumentException if the datagram has more than 65,527 bytes; if the address is unresolved; if the
     *     socket is connected to another address
     * @since 0.1.0
     */
    public Mono<Void> send(byte[] data, InetSocketAddress to) {
        if (to.isUnresolved()) {
            throw new IllegalArgumentException(
                    "Cannot send to " + to + ", which is not resolved: look it up with Names.getAddrInfo");
        }
        if (core.remote != null && !core.remote.equals(to)) {
            throw new IllegalArgumentException(this + " is connected: it cannot send to " + to);
        }
        return new MonoSend(core, checked(data), core.remote == null ? to : null);
    }

    private static byte[] checked(byte[] data) {
        if (Objects.requireNonNull(data, "data").length > MOST) {
            throw new IllegalArgumentException(
                    "A datagram of " + data.length + " bytes cannot be sent: UDP takes " + MOST + " at most");
        }
        return data;
    }

    /**
     * The address on which datagrams are received.
     *
     * @since 0.1.0
     */
    public InetSocketAddress localAddress() {
        return core.local;
    }

    /**
     * The address that the socket is connected to, or null.
     *
     * @since 0.1.0
     */
    public @Nullable InetSocketAddress remoteAddress() {
        return core.remote;
    }

    /**
     * The loop that waits for datagrams.
     *
     * @since 0.1.0
     */
    public EventLoop getLoop() {
        return loop;
    }

    /**
     * Returns whether the socket was closed, by {@link #close} or with its loop.
     *
     * @since 0.1.0
     */
    public boolean isClosed() {
        return core.isClosed();
    }

    /**
     * Closes the socket: waiting receivers complete empty, waiting senders fail. The port is free once the loop has
     * polled for IO again. Closing twice does nothing.
     *
     * @since 0.1.0
     */
    @Override
    public void close() {
        core.close();
    }

    /** {@code <DatagramConnection /127.0.0.1:9999 open>}. */
    @Override
    public String toString() {
        return core.toString();
    }
}
