package asyncio.streams;

import static asyncio.Asyncio.async;
import static asyncio.Asyncio.await;
import static asyncio.Asyncio.createTask;
import static asyncio.Asyncio.gather;
import static asyncio.Asyncio.sleep;
import static asyncio.Asyncio.waitFor;
import static java.nio.charset.StandardCharsets.US_ASCII;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import asyncio.Asyncio;
import asyncio.CancelledException;
import asyncio.EventLoop;
import asyncio.Task;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.IllegalBlockingModeException;
import java.nio.channels.SocketChannel;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import reactor.core.publisher.Mono;

/** A channel that was ready, and has nothing when a call of {@link Sockets} reads it. */
@Timeout(60)
class SpuriousReadinessTest {
    /** A call that finds nothing the first times that it looks after it was told to, as after a bad checksum. */
    private static final class Deceived {
        private final SocketChannel socket;
        private final int times;
        int attempts;

        Deceived(SocketChannel socket, int times) {
            this.socket = socket;
            this.times = times;
        }

        Mono<String> recv() {
            return new MonoSocket<>(() -> new SocketAttempt<String>(socket, SocketAttempt.Kind.READS, "sockRecv") {
                private @Nullable String result;

                @Override
                boolean isOverNow() throws IOException {
                    if (attempts++ < times) {
                        return false;
                    }
                    ByteBuffer buffer = ByteBuffer.allocate(10);
                    int n = socket.read(buffer);
                    result = n == 0 ? null : new String(buffer.array(), 0, n, US_ASCII);
                    return n != 0;
                }

                @Override
                @Nullable String result() {
                    return result;
                }
            });
        }
    }

    private static void send(SocketChannel to, String text) throws IOException {
        to.write(ByteBuffer.wrap(text.getBytes(US_ASCII)));
    }

    private interface Form {
        Mono<String> of(Mono<String> call);
    }

    private static final List<Form> FORMS = List.of(
            call -> call,
            call -> waitFor(call, Duration.ofSeconds(30)),
            call -> gather(List.of(call)).map(results -> results.get(0)),
            call -> async(() -> await(call)),
            call -> async(() -> await(call.map(text -> text))),
            call -> call.map(text -> text));

    @Test
    @DisplayName("SOK-03: a wait that was told for nothing waits again, awaited in whichever way")
    void aWaitThatWasToldForNothingWaitsAgain() throws Exception {
        Asyncio.run(() -> {
            for (Form form : FORMS) {
                try (SocketPair pair = SocketPair.open()) {
                    Deceived deceived = new Deceived(pair.near(), 3);
                    Task<String> receiving = createTask(form.of(deceived.recv()));
                    await(sleep(Duration.ofMillis(5)));
                    send(pair.far(), "hello");
                    assertThat(await(receiving)).isEqualTo("hello");
                    assertThat(deceived.attempts).isEqualTo(4);
                }
            }
        });
    }

    @Test
    @DisplayName("SOK-04, LOOP-48: one that waits again can be cancelled, and has consumed nothing")
    void oneThatWaitsAgainCanBeCancelled() throws Exception {
        Asyncio.run(() -> {
            for (Form form : FORMS) {
                try (SocketPair pair = SocketPair.open()) {
                    Deceived deceived = new Deceived(pair.near(), Integer.MAX_VALUE);
                    Task<String> receiving = createTask(form.of(deceived.recv()));
                    send(pair.far(), "hello");
                    while (deceived.attempts < 5) { // it is told all the time
                        await(sleep(Duration.ZERO));
                    }
                    assertThat(receiving.done()).isFalse();
                    assertThat(receiving.cancel()).isTrue();
                    assertThatThrownBy(() -> await(receiving)).isInstanceOf(CancelledException.class);
                    assertThat(await(Sockets.sockRecv(pair.near(), 10))).isEqualTo("hello".getBytes(US_ASCII));
                }
            }
        });
    }

    /** A cancellation from another thread, at any moment, comes in time or too late, and loses no byte. */
    @Test
    void aRaceOfCancellationAndNothingLosesNoByte() throws Exception {
        int rounds = 300;
        Asyncio.run(() -> {
            for (int i = 0; i < rounds; i++) {
                try (SocketPair pair = SocketPair.open()) {
                    Task<String> receiving = createTask(new Deceived(pair.near(), i % 3).recv());
                    await(sleep(Duration.ZERO));
                    send(pair.far(), "hello");
                    int turns = i % 7;
                    Thread canceller = new Thread(() -> {
                        for (int turn = 0; turn < turns * 2000; turn++) {
                            Thread.onSpinWait();
                        }
                        receiving.cancel();
                    });
                    canceller.start();
                    List<String> got = new ArrayList<>();
                    try {
                        got.add(await(receiving));
                    } catch (CancelledException e) {
                        got.add(new String(await(Sockets.sockRecv(pair.near(), 10)), US_ASCII));
                    }
                    assertThat(got).containsExactly("hello");
                    canceller.join();
                }
            }
        });
    }

    /** On epoll the first channel waits until the descriptor of the selector is found. */
    @Test
    void aChannelThatIsMadeToBlockUnderAWaitFailsIt() throws Exception {
        assumeTrue(io.netty.channel.epoll.Epoll.isAvailable(), "there is no epoll");
        EventLoop loop = EventLoop.builder().transport("epoll").build();
        try (SocketPair pair = SocketPair.open()) {
            Task<byte[]> receiving = loop.createTask(Sockets.sockRecv(pair.near(), 10));
            boolean[] blocks = {false};
            loop.callSoon(() -> blocks[0] = makesBlock(pair.near())); // in the tick in which the call begins to wait
            loop.callSoon(() -> sendUnlessItBlocks(pair.far(), blocks));
            if (loop.runUntilComplete(ended(receiving)) instanceof IllegalBlockingModeException) {
                assertThat(blocks).containsExactly(true);
            } else { // with -Dasyncio.selector=thread that thread may have won: then the JDK refuses the change
                assertThat(blocks).containsExactly(false);
                assertThat(receiving.result()).isEqualTo("hello".getBytes(US_ASCII));
            }
        } finally {
            loop.close();
        }
    }

    private static Mono<Object> ended(Task<byte[]> receiving) {
        return waitFor(receiving, Duration.ofSeconds(20)).cast(Object.class).onErrorResume(Mono::just);
    }

    private static boolean makesBlock(SocketChannel channel) {
        try {
            channel.configureBlocking(true);
            return true;
        } catch (IllegalBlockingModeException e) {
            return false;
        } catch (IOException e) {
            throw new IllegalStateException(e);
        }
    }

    private static void sendUnlessItBlocks(SocketChannel to, boolean[] blocks) {
        if (!blocks[0]) {
            try {
                send(to, "hello");
            } catch (IOException e) {
                throw new IllegalStateException(e);
            }
        }
    }
}
