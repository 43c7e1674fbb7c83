package asyncio.redis;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.time.Duration;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * A network between a client and a server of this machine, which can be down, lose connections at random, and delay or
 * hold what it transports.
 */
final class Network implements AutoCloseable {
    private final ServerSocket entrance = new ServerSocket(0, 50, InetAddress.getLoopbackAddress());
    private final int server;
    private final Random random;
    private final Set<Socket> sockets = ConcurrentHashMap.newKeySet();
    private final AtomicInteger lost = new AtomicInteger();
    private volatile boolean isDown;
    private volatile int longest = Integer.MAX_VALUE;
    private volatile long replyDelay;
    private volatile boolean dropsHalf;
    private final AtomicInteger dropped = new AtomicInteger();
    private volatile CountDownLatch requests = new CountDownLatch(0);
    private volatile CountDownLatch replies = new CountDownLatch(0);
    private final AtomicInteger held = new AtomicInteger();

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

    /** Delays each reply, or part of it. */
    void delayReplies(Duration delay) {
        replyDelay = delay.toMillis();
    }

    /**
     * Drops half of all packets, as it seems to those who send them again: each arrives after 10 milliseconds more, or
     * 20 more if that one is dropped, too, and so on.
     */
    void dropHalf() {
        dropsHalf = true;
    }

    /** Returns the number of packets that were dropped. */
    int dropped() {
        return dropped.get();
    }

    /** Holds all requests. */
    void holdRequests() {
        requests = new CountDownLatch(1);
    }

    /** Holds all replies. */
    void holdReplies() {
        replies = new CountDownLatch(1);
    }

    /** Returns the number of requests, or parts of them, that were held. */
    int held() {
        return held.get();
    }

    /** Lets go on what is held. */
    void release() {
        requests.countDown();
        replies.countDown();
    }

    /** Waits as long as a packet does. */
    private void transport(boolean isReply) throws InterruptedException {
        CountDownLatch gate = isReply ? replies : requests;
        if (gate.getCount() > 0) {
            if (!isReply) {
                held.incrementAndGet();
            }
            gate.await();
        }
        long delay = isReply ? replyDelay : 0;
        for (long again = 10; dropsHalf && again <= 160 && random.nextBoolean(); again *= 2) {
            dropped.incrementAndGet();
            delay += again;
        }
        Thread.sleep(delay);
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
                start("to the server", () -> copy(client, far, false));
                start("to the client", () -> copy(far, client, true));
            }
        } catch (IOException e) {
            cut(); // closed, or without a server
        }
    }

    private void copy(Socket from, Socket to, boolean isReply) {
        byte[] bytes = new byte[8192];
        int left = random.nextInt(longest);
        try {
            for (int read = 0; read >= 0 && left > 0 && !isDown; ) {
                read = from.getInputStream().read(bytes);
                int passed = Math.min(read, left);
                if (passed > 0) {
                    transport(isReply);
                    to.getOutputStream().write(bytes, 0, passed);
                    left -= passed;
                }
                if (left == 0) {
                    lost.incrementAndGet();
                }
            }
        } catch (IOException | InterruptedException e) {
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
        release();
    }
}
