package asyncio.streams;

import asyncio.EventLoop;
import java.net.InetSocketAddress;
import java.util.NoSuchElementException;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/**
 * A socket for datagrams. What has come stays with the operating system until somebody asks for it, which drops
 * datagrams that find its buffer full.
 *
 * <p><b>Threading.</b> Every method may be called from any thread. Several may receive at a time, and get datagrams in
 * the order in which they asked; several may send.
 *
 * <p><b>Cancelling</b> loses no datagram: one that was given to a receiver which was cancelled before it resumed is the
 * next receiver's.
 *
 * <p><b>Errors</b> leave the socket open. On one that is connected, {@link java.net.PortUnreachableException} says that
 * a datagram sent <em>before</em> was refused: whoever receives or sends next gets it, and tries again.
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
    /** Of IPv6, in bytes; IPv4 takes 20 less, which the system says. */
    private static final int MOST = 65_527;

    private final EventLoop loop;
    private final DatagramSocketCore core;

    DatagramConnection(EventLoop loop, DatagramSocketCore core) {
        this.loop = loop;
        this.core = core;
    }

    /**
     * The next datagram, of any size. Completes empty when this is closed. Nothing happens until subscription;
     * cancelling leaves the datagram to the next receiver. Fails with the system's {@link java.io.IOException}.
     *
     * @since 0.1.0
     */
    public Mono<Datagram> receive() {
        return new MonoReceive(core);
    }

    /**
     * All datagrams from here on, one {@link #receive} for each that is requested; completes when this is closed, fails
     * as {@code receive} does: {@code retry()} goes on after a datagram that was refused.
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
     * Sends a datagram to the remote address of the options. Completes empty when the operating system has it, which
     * does not say that it arrives. Nothing happens until subscription; a cancelled one is sent wholly or not at all.
     *
     * <p>Fails with the system's {@link java.io.IOException}, among others if the datagram is too large, if an earlier
     * one was refused, and after {@link #close}; with an {@code IOException} for an empty one, which Java does not send
     * from a connected socket.
     *
     * @throws IllegalArgumentException if the datagram has more than 65,527 bytes
     * @throws IllegalStateException if there is no remote address
     * @since 0.1.0
     */
    public Mono<Void> send(byte[] data) {
        if (core.remote == null) {
            throw new IllegalStateException(
                    this + " has no remote address: send(data, to), or DatagramOptions.remoteAddress");
        }
        return new MonoSend(core, checked(data), null);
    }

    /**
     * As {@link #send(byte[])}, to an address; an empty datagram is sent, too.
     *
     * @throws IllegalArgumentException if the datagram has more than 65,527 bytes; if the address is unresolved; if
     *     this is connected to another one
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
     * The address that this is connected to, or null.
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
     * Whether it was closed, by {@link #close} or with its loop.
     *
     * @since 0.1.0
     */
    public boolean isClosed() {
        return core.isClosed();
    }

    /**
     * Closes the socket: those who wait to receive complete empty, those who wait to send fail. The port is free when
     * the loop has looked for IO again. Closing twice does nothing.
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
