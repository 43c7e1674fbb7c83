package asyncio.streams;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.Inet4Address;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.StandardProtocolFamily;
import java.nio.channels.DatagramChannel;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;

/** Non-blocking channels of the JDK. */
record SocketPair(SocketChannel near, SocketChannel far) implements AutoCloseable {
    /** Returns the two ends of a connection; blocks for a moment. */
    static SocketPair open() throws IOException {
        try (ServerSocketChannel server = listening()) {
            SocketChannel near = SocketChannel.open(server.getLocalAddress());
            server.configureBlocking(true);
            SocketChannel far = server.accept();
            near.configureBlocking(false);
            far.configureBlocking(false);
            return new SocketPair(near, far);
        }
    }

    static ServerSocketChannel listening() throws IOException {
        ServerSocketChannel server = ServerSocketChannel.open();
        server.bind(new InetSocketAddress(localhost(), 0));
        server.configureBlocking(false);
        return server;
    }

    /** Returns an unconnected client socket. */
    static SocketChannel socket() throws IOException {
        SocketChannel socket = SocketChannel.open();
        socket.configureBlocking(false);
        return socket;
    }

    static DatagramChannel datagrams() throws IOException {
        DatagramChannel socket = DatagramChannel.open(StandardProtocolFamily.INET);
        socket.bind(new InetSocketAddress(localhost(), 0));
        socket.configureBlocking(false);
        return socket;
    }

    private static InetAddress localhost() throws IOException {
        return Inet4Address.getByAddress(new byte[] {127, 0, 0, 1});
    }

    @Override
    public void close() {
        try {
            near.close();
            far.close();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
