package asyncio.streams;

import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.DatagramChannel;
import java.nio.channels.SelectableChannel;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Mono;

/**
 * Operations on {@code java.nio} sockets that wait without blocking a thread. For code that already has such a channel,
 * or needs details that {@link Streams} hides. Works with TCP, UDP and Unix sockets, on every kind of loop.
 *
 * <p>The channels must be non-blocking ({@code configureBlocking(false)}): otherwise each call fails with
 * {@link java.nio.channels.IllegalBlockingModeException} before it does anything. The caller keeps ownership of a
 * channel and closes it; a waiting call is not told that its channel is closed, so cancel it first.
 *
 * <p>Everything here is cold: nothing happens until subscription, and each subscription starts a new call. It first
 * tries on the subscriber's thread; if it has to wait, the loop that runs there, or one of
 * {@link asyncio.EventLoop#shared()}, watches the channel, as with {@link asyncio.EventLoop#addReader} and
 * {@code addWriter}. On each channel, one call may wait to read and one to write; another one fails with
 * {@link IllegalStateException}.
 *
 * <p><b>Cancelling</b> a read consumes nothing: the next call gets the bytes. A cancelled write may have written a
 * part, and writes no more.
 *
 * <pre>{@code
 * try (SocketChannel socket = SocketChannel.open()) {
 *     socket.configureBlocking(false);
 *     await(Sockets.sockConnect(socket, new InetSocketAddress("example.org", 80)));
 *     await(Sockets.sockSendAll(socket, "GET / HTTP/1.0\r\n\r\n".getBytes(US_ASCII)));
 *     for (byte[] data; (data = await(Sockets.sockRecv(socket, 4096))).length > 0; ) {
 *         System.out.write(data);
 *     }
 * }
 * }</pre>
 *
 * <p>asyncio: {@code loop.sock_recv}, {@code loop.sock_sendall} and the like.
 *
 * @since 0.1
 */
public final class Sockets {
    /** The maximum number of bytes received at once, however many are requested: the memory is allocated up front. */
    private static final int MOST = 1 << 18;

    private Sockets() {}

    // ---- receiving

    /**
     * Receives the bytes that have arrived, at most {@code n}, as soon as there are any; an empty array at the end of
     * the stream. Nothing happens until subscription; cancelling consumes nothing. Fails with the system's
     * {@link IOException}.
     *
     * <p>asyncio: {@code loop.sock_recv}.
     *
     * @throws IllegalArgumentException unless {@code n} is positive
     * @since 0.1
     */
    public static Mono<byte[]> sockRecv(SocketChannel socket, int n) {
        Objects.requireNonNull(socket, "socket");
        checkSize(n);
        return new MonoSocket<>(() -> new Reading<byte[]>(socket, "sockRecv") {
            @Override
            byte @Nullable [] read() throws IOException {
                ByteBuffer buffer = ByteBuffer.allocate(Math.min(n, MOST));
                int read = socket.read(buffer);
                return read == 0 ? null : Arrays.copyOf(buffer.array(), Math.max(0, read));
            }
        });
    }

    /**
     * Like {@link #sockRecv}, into a buffer, from its position to its limit; returns the number of bytes, 0 at the end
     * of the stream. Cancelling leaves the buffer unchanged.
     *
     * <p>asyncio: {@code loop.sock_recv_into}.
     *
     * @throws IllegalArgumentException if the buffer has no room
     * @since 0.1
     */
    public static Mono<Integer> sockRecvInto(SocketChannel socket, ByteBuffer buffer) {
        Objects.requireNonNull(socket, "socket");
        checkRoom(buffer);
        return new MonoSocket<>(() -> new Reading<Integer>(socket, "sockRecvInto") {
            @Override
            @Nullable Integer read() throws IOException {
                int read = socket.read(checkRoom(buffer));
                return read == 0 ? null : (Integer) Math.max(0, read);
            }
        });
    }

    /**
     * Receives a datagram and keeps its first {@code n} bytes. Nothing happens until subscription; cancelling consumes
     * nothing. Fails with the system's {@link IOException}: on a connected socket,
     * {@link java.net.PortUnreachableException} if a datagram sent earlier was refused.
     *
     * <p>asyncio: {@code loop.sock_recvfrom}.
     *
     * @throws IllegalArgumentException unless {@code n} is positive
     * @since 0.1
     */
    public static Mono<Datagram> sockRecvFrom(DatagramChannel socket, int n) {
        Objects.requireNonNull(socket, "socket");
        checkSize(n);
        return new MonoSocket<>(() -> new Reading<Datagram>(socket, "sockRecvFrom") {
            @Override
            @Nullable Datagram read() throws IOException {
                ByteBuffer buffer = ByteBuffer.allocate(Math.min(n, DatagramSocketCore.LARGEST));
                InetSocketAddress from = (InetSocketAddress) socket.receive(buffer);
                return from == null ? null : new Datagram(Arrays.copyOf(buffer.array(), buffer.position()), from);
            }
        });
    }

    /**
     * Like {@link #sockRecvFrom}, into a buffer, from its position to its limit. Cancelling leaves the buffer
     * unchanged.
     *
     * <p>asyncio: {@code loop.sock_recvfrom_into}.
     *
     * @throws IllegalArgumentException if the buffer has no room
     * @since 0.1
     */
    public static Mono<Received> sockRecvFromInto(DatagramChannel socket, ByteBuffer buffer) {
        Objects.requireNonNull(socket, "socket");
        checkRoom(buffer);
        return new MonoSocket<>(() -> new Reading<Received>(socket, "sockRecvFromInto") {
            @Override
            @Nullable Received read() throws IOException {
                int before = checkRoom(buffer).position();
                InetSocketAddress from = (InetSocketAddress) socket.receive(buffer);
                return from == null ? null : new Received(buffer.position() - before, from);
            }
        });
    }

    // ---- sending

    /**
     * Sends all of the bytes, waiting for room as needed; completes empty when the system has accepted them. The array
     * must not be changed until then. Nothing happens until subscription. Cancelling stops sending; the number of bytes
     * sent is then unknown, as after an error.
     *
     * <p>asyncio: {@code loop.sock_sendall}.
     *
     * @since 0.1
     */
    public static Mono<Void> sockSendAll(SocketChannel socket, byte[] data) {
        return sockSendAll(socket, ByteBuffer.wrap(data));
    }

    /**
     * Like {@link #sockSendAll(SocketChannel, byte[])}, for the bytes of a buffer from its position to its limit at
     * subscription. The buffer's own position does not change.
     *
     * @since 0.1
     */
    public static Mono<Void> sockSendAll(SocketChannel socket, ByteBuffer data) {
        Objects.requireNonNull(socket, "socket");
        Objects.requireNonNull(data, "data");
        return new MonoSocket<>(() -> new SocketAttempt<Void>(socket, SocketAttempt.Kind.WRITES, "sockSendAll") {
            private final ByteBuffer rest = data.duplicate();

            @Override
            boolean isOverNow() throws IOException {
                while (rest.hasRemaining()) {
                    // the JDK copies the whole buffer, and caches as much memory for the thread
                    ByteBuffer piece = rest.duplicate();
                    piece.limit(rest.position() + Math.min(rest.remaining(), MOST));
                    int sent = socket.write(piece);
                    rest.position(rest.position() + sent);
                    if (piece.hasRemaining()) {
                        return false;
                    }
                }
                return true;
            }
        });
    }

    /**
     * Sends a datagram as soon as there is room for it, and returns its length. Nothing happens until subscription;
     * after cancellation the datagram has been sent wholly or not at all. Fails as
     * {@link DatagramConnection#send(byte[], InetSocketAddress)} does, and with
     * {@link java.nio.channels.UnresolvedAddressException}.
     *
     * <p>asyncio: {@code loop.sock_sendto}.
     *
     * @since 0.1
     */
    public static Mono<Integer> sockSendTo(DatagramChannel socket, byte[] data, SocketAddress to) {
        Objects.requireNonNull(socket, "socket");
        Objects.requireNonNull(data, "data");
        Objects.requireNonNull(to, "to");
        return new MonoSocket<>(() -> new SocketAttempt<Integer>(socket, SocketAttempt.Kind.WRITES, "sockSendTo") {
            @Override
            boolean isOverNow() throws IOException {
                return DatagramSocketCore.trySend(socket, data, to);
            }

            @Override
            Integer result() {
                return data.length;
            }
        });
    }

    /**
     * Sends a whole file and returns the number of its bytes: see {@link #sockSendFile(SocketChannel, Path, long,
     * long)}.
     *
     * @since 0.1
     */
    public static Mono<Long> sockSendFile(SocketChannel socket, Path file) {
        return sockSendFile(socket, file, 0, Long.MAX_VALUE);
    }

    /**
     * Sends a part of a file and returns the number of bytes, which is less than requested if the file ends before. The
     * kernel copies them where possible; blocking calls run on threads of the loop's executor. Nothing else can be
     * written until it ends. Nothing happens until subscription. Cancelling stops it, and the number of bytes sent is
     * then unknown: a task that awaits it, also through operators, waits for the piece being sent.
     *
     * <p>Fails with the errors of the file system and the socket.
     *
     * <p>asyncio: {@code loop.sock_sendfile}.
     *
     * @param offset the position in the file to start at, in bytes
     * @param count the maximum number of bytes
     * @throws IllegalArgumentException if the offset or the count is negative
     * @since 0.1
     */
    public static Mono<Long> sockSendFile(SocketChannel socket, Path file, long offset, long count) {
        Objects.requireNonNull(socket, "socket");
        Objects.requireNonNull(file, "file");
        OptionChecks.partOfFile("sockSendFile", offset, count);
        return SocketFile.send(socket, file, offset, count);
    }

    // ---- connecting

    /**
     * Connects, and completes empty when the connection is established. If the address is not resolved, its name is
     * looked up first. Nothing happens until subscription; after cancellation the socket is still connecting: another
     * call waits for the same connection.
     *
     * <p>Fails with {@link java.net.ConnectException} if nothing listens there, with
     * {@link java.net.UnknownHostException}, with {@link java.nio.channels.AlreadyConnectedException}. Java closes the
     * socket when connecting fails.
     *
     * <p>asyncio: {@code loop.sock_connect}.
     *
     * @since 0.1
     */
    public static Mono<Void> sockConnect(SocketChannel socket, SocketAddress to) {
        Objects.requireNonNull(socket, "socket");
        Objects.requireNonNull(to, "to");
        if (to instanceof InetSocketAddress address && address.isUnresolved()) {
            return Addresses.resolve(address.getHostString(), address.getPort())
                    .flatMap(addresses -> sockConnect(socket, addresses.get(0)));
        }
        return new MonoSocket<>(() -> new SocketAttempt<Void>(socket, SocketAttempt.Kind.WRITES, "sockConnect") {
            @Override
            boolean isOverNow() throws IOException {
                return socket.isConnectionPending() ? socket.finishConnect() : socket.connect(to);
            }
        });
    }

    /**
     * Accepts a connection. Its channel is non-blocking, too; the receiver closes it. Nothing happens until
     * subscription; cancelling accepts nothing. Fails with the system's {@link IOException}.
     *
     * <p>asyncio: {@code loop.sock_accept}, with the address as {@code getRemoteAddress()} here.
     *
     * @since 0.1
     */
    public static Mono<SocketChannel> sockAccept(ServerSocketChannel socket) {
        Objects.requireNonNull(socket, "socket");
        return new MonoSocket<>(() -> new Reading<SocketChannel>(socket, "sockAccept") {
            @Override
            @Nullable SocketChannel read() throws IOException {
                SocketChannel accepted = socket.accept();
                if (accepted != null) {
                    try {
                        accepted.configureBlocking(false);
                    } catch (IOException e) {
                        accepted.close();
                        throw e;
                    }
                }
                return accepted;
            }
        });
    }

    // ---- common parts

    /** An attempt to take something out of a channel. */
    private abstract static class Reading<T> extends SocketAttempt<T> {
        private @Nullable T result;

        Reading(SelectableChannel channel, String method) {
            super(channel, Kind.READS, method);
        }

        /** Returns null if there is nothing. */
        abstract @Nullable T read() throws IOException;

        @Override
        final boolean isOverNow() throws IOException {
            result = read();
            return result != null;
        }

        @Override
        final @Nullable T result() {
            return result;
        }
    }

    private static void checkSize(int n) {
        if (n <= 0) {
            throw new IllegalArgumentException("The number of bytes to receive must be positive, not " + n);
        }
    }

    private static ByteBuffer checkRoom(ByteBuffer buffer) {
        if (!buffer.hasRemaining()) {
            throw new IllegalArgumentException("There is no room to receive into: " + buffer);
        }
        return buffer;
    }
}
