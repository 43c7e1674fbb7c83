package asyncio.streams;

import static asyncio.Asyncio.await;
import static asyncio.Asyncio.createTask;
import static asyncio.Asyncio.toThread;
import static org.assertj.core.api.Assertions.assertThat;

import asyncio.Asyncio;
import asyncio.EventLoop;
import asyncio.LogCapture;
import asyncio.Task;
import java.lang.ref.PhantomReference;
import java.lang.ref.ReferenceQueue;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.SocketTimeoutException;
import java.util.List;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

/** Connections that have become unreachable. */
class UnclosedTest {
    private static final String HOST = "127.0.0.1";

    private interface Forgetful {
        void run(ServerSocket listener, LogCapture log) throws Exception;
    }

    private static void withListener(Forgetful test) throws Exception {
        try (LogCapture log = new LogCapture();
                ServerSocket listener = new ServerSocket(0, 1, InetAddress.getByName(HOST))) {
            test.run(listener, log);
        }
    }

    private static List<String> reports(LogCapture log, String what, int port) {
        return log.messages().stream()
                .filter(message -> message.contains(what) && message.contains(":" + port))
                .toList();
    }

    @Test
    @DisplayName("STR-46 a connection that nobody holds any more is reported once and closed")
    void forgotten() throws Exception {
        withListener((listener, log) -> Asyncio.run(() -> {
            await(Streams.openConnection(HOST, listener.getLocalPort()));
            try (Socket peer = listener.accept()) {
                int end = await(toThread(() -> {
                    peer.setSoTimeout(50);
                    while (true) {
                        System.gc();
                        try {
                            return peer.getInputStream().read();
                        } catch (SocketTimeoutException e) {
                            // not collected yet
                        }
                    }
                }));
                assertThat(end).isEqualTo(-1);
            }
            assertThat(reports(log, "unclosed <StreamWriter", listener.getLocalPort()))
                    .hasSize(1);
        }));
    }

    @Test
    @DisplayName("STR-46 one that was closed, or that somebody reads from or waits for, is not")
    void notForgotten() throws Exception {
        withListener((listener, log) -> Asyncio.run(() -> {
            int port = listener.getLocalPort();
            try (StreamConnection closed = await(Streams.openConnection(HOST, port));
                    Socket peer = listener.accept()) {
                closed.close();
                await(closed.writer().waitClosed());
            }
            Task<byte[]> reading = createTask(Streams.openConnection(HOST, port)
                    .flatMap(connection -> connection.reader().readLine()));
            try (Socket peer = await(toThread(listener::accept))) {
                for (int i = 0; i < 5; i++) {
                    await(toThread(UnclosedTest::collectGarbage));
                }
                peer.getOutputStream().write("still there\n".getBytes());
                assertThat(await(reading)).hasSize(12);
            }
            assertThat(reports(log, "unclosed", port)).isEmpty();
        }));
    }

    @Test
    @DisplayName("STR-47 if its loop was closed before, the report says so")
    void loopIsClosed() throws Exception {
        withListener((listener, log) -> {
            int port = listener.getLocalPort();
            EventLoop loop = EventLoop.newEventLoop();
            StreamConnection connection = loop.runUntilComplete(Streams.openConnection(HOST, port));
            listener.accept().close();
            loop.close();
            assertThat(connection.writer().isClosing()).isTrue();
            connection = null;
            while (reports(log, "loop is closed", port).isEmpty()) {
                collectGarbage();
            }
            assertThat(reports(log, "unclosed", port)).isEmpty();
        });
    }

    private static void collectGarbage() throws InterruptedException {
        ReferenceQueue<Object> dead = new ReferenceQueue<>();
        PhantomReference<Object> canary = new PhantomReference<>(new Object(), dead);
        do {
            System.gc();
        } while (dead.remove(100) != canary);
    }
}
