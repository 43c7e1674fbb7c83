package asyncio.redis;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;

/** A network between a client and a server of this machine, which can be down, or lose connections at random. */
final class Network implements AutoCloseable {
    private final ServerSocket entrance = new ServerSocket(0, 50, InetAddress.getLoopbackAddress());
    private final int server;
    private final Random random;
    private final Set<Socket> sockets = ConcurrentHashMap.newKeySet();
    private final AtomicInteger lost = new AtomicInteger();
    private volatile boolean isDown;
    private volatile int longest = Integer.MAX_VALUE;

    Network(int server, Random random) throws IOException {
        this.server = server;
        this.random = random;
        start("entrance", this::accept);
    }

    /** Returns the address of the server as it is seen through this network. */
    String address() {
        return "redis://127.0.0.1:" + entrance.getLocalPort();
    }

    /** Closes all connections, and each new one immediately. */
    void cut() {
        isDown = true;
        sockets.forEach(Network::close);
    }

    /** Returns the number of connections that failed on the way. */
    int lost() {
        return lost.get();
    }

    void heal() {
        isDown = false;
    }

    /** Lets each direction of a new connection fail in the middle of its data, after fewer bytes than this. */
    void loseConnections(int bytes) {
        longest = bytes;
        sockets.forEach(Network::close);
    }

    private void accept() {
        try {
            for (; ; ) {
                Socket client = entrance.accept();
                if (isDown) {
                    close(client);
                    continue;
                }
                Socket far = new Socket(InetAddress.getLoopbackAddress(), server);
                sockets.add(client);
                sockets.add(far);
                if (isDown) { // since it was checked
                    cut();
                }
                start("to the server", () -> copy(client, far));
                start("to the client", () -> copy(far, client));
            }
        } catch (IOException e) {
            cut(); // closed, or without a server
        }
    }

    private void copy(Socket from, Socket to) {
        byte[] bytes = new byte[8192];
        int left = random.nextInt(longest);
        try {
            for (int read = 0; read >= 0 && left > 0 && !isDown; ) {
                read = from.getInputStream().read(bytes);
                int passed = Math.min(read, left);
                if (passed > 0) {
                    to.getOutputStream().write(bytes, 0, passed);
                    left -= passed;
                }
                if (left == 0) {
                    lost.incrementAndGet();
                }
            }
        } catch (IOException e) {
            // the other direction has failed
        } finally {
            close(from);
            close(to);
            sockets.remove(from);
            sockets.remove(to);
        }
    }

    private static void start(String name, Runnable work) {
        Thread thread = new Thread(work, "network " + name);
        thread.setDaemon(true);
        thread.start();
    }

    private static void close(Socket socket) {
        try {
            socket.close();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @Override
    public void close() throws IOException {
        entrance.close();
        cut();
    }
}
