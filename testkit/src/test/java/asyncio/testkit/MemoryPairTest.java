package asyncio.testkit;

import static asyncio.Asyncio.async;
import static asyncio.Asyncio.await;
import static asyncio.Asyncio.createTask;
import static asyncio.Asyncio.sleep;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import asyncio.Asyncio;
import asyncio.EventLoop;
import asyncio.Task;
import asyncio.VirtualTime;
import asyncio.streams.IncompleteReadException;
import asyncio.streams.LeakCheck;
import asyncio.streams.StreamConnection;
import asyncio.streams.StreamReader;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufAllocator;
import io.netty.buffer.Unpooled;
import java.io.IOException;
import java.net.SocketException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeoutException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

@Timeout(value = 20, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
@ExtendWith(LeakCheck.class)
class MemoryPairTest {
    private static String text(byte[] bytes) {
        return bytes == null ? null : new String(bytes, UTF_8);
    }

    private static Duration now() {
        return EventLoop.getRunningLoop().time();
    }

    /** Returns the pieces in which the wire delivers bytes to the client. */
    private static List<String> pieces(Wire wire, String... written) throws Exception {
        MemoryPair pair = MemoryPair.open(Wire.direct(), wire);
        for (String text : written) {
            pair.server().writer().write(text);
        }
        pair.server().close();
        List<String> pieces = new ArrayList<>();
        try (pair) {
            for (byte[] piece; (piece = await(pair.client().reader().read(100))) != null; ) {
                pieces.add(text(piece));
            }
        } catch (IOException e) {
            pieces.add(e.getMessage());
        }
        return pieces;
    }

    // ---- bytes and their time

    @Test
    void bothEndsReadWhatTheOtherWrites() throws Exception {
        VirtualTime.run(() -> {
            Duration start = now();
            try (MemoryPair pair = MemoryPair.open()) {
                pair.client().writer().write("question\n");
                assertThat(text(await(pair.server().reader().readLine()))).isEqualTo("question\n");
                pair.server().writer().write("answer\nand more");
                assertThat(text(await(pair.client().reader().readLine()))).isEqualTo("answer\n");
                pair.server().close();
                assertThat(text(await(pair.client().reader().readAll()))).isEqualTo("and more");
                assertThat(pair.toServer().bytes()).isEqualTo(9);
                assertThat(pair.toClient().bytes()).isEqualTo(15);
                assertThat(pair.client()).hasToString("<StreamConnection local:client -> local:server open>");
            }
            assertThat(now()).as("no time passes without latency").isEqualTo(start);
        });
    }

    @Test
    void latencyIsTimeOfTheLoopsClockAndKeepsTheOrder() throws Exception {
        VirtualTime.run(() -> {
            Duration start = now();
            Wire slow = Wire.direct().latency(Duration.ofMillis(50));
            try (MemoryPair pair = MemoryPair.open(slow, Wire.direct().latency(Duration.ofHours(1)))) {
                pair.client().writer().write("1");
                await(sleep(Duration.ofMillis(20)));
                pair.client().writer().write("2");
                await(sleep(Duration.ofMillis(1)));
                pair.toServer().become(Wire.direct()); // does not overtake
                pair.client().writer().write("3");
                List<String> arrivals = new ArrayList<>();
                for (int i = 0; i < 2; i++) {
                    arrivals.add(text(await(pair.server().reader().read(10))) + " at "
                            + now().minus(start).toMillis());
                }
                assertThat(arrivals).containsExactly("1 at 50", "23 at 70");
                pair.server().writer().write("answer");
                assertThat(text(await(pair.client().reader().read(10)))).isEqualTo("answer");
                assertThat(now().minus(start)).isEqualTo(Duration.ofMillis(70).plusHours(1));
            }
        });
    }

    @Test
    void aTimeLimitBeatsALatencyByAMillisecond() throws Exception {
        VirtualTime.run(() -> {
            try (MemoryPair pair = MemoryPair.open(Wire.direct().latency(Duration.ofMillis(100)))) {
                pair.client().writer().write("x");
                assertThatThrownBy(() ->
                                await(Asyncio.waitFor(pair.server().reader().read(1), Duration.ofMillis(99))))
                        .isInstanceOf(TimeoutException.class);
                assertThat(text(await(Asyncio.waitFor(pair.server().reader().read(1), Duration.ofMillis(2)))))
                        .isEqualTo("x");
            }
        });
    }

    @Test
    void whatComesIsInPiecesAsTheWireSays() throws Exception {
        VirtualTime.run(() -> {
            assertThat(pieces(Wire.direct(), "abc", "de")).containsExactly("abcde");
            assertThat(pieces(Wire.direct().chunks(1), "abc", "de")).containsExactly("a", "b", "c", "d", "e");
            assertThat(pieces(Wire.direct().chunks(2), "abc", "de")).containsExactly("ab", "cd", "e");
            assertThat(pieces(Wire.direct().chunks(1).latency(Duration.ofDays(1)), "abc"))
                    .containsExactly("a", "b", "c");
            List<String> random = pieces(Wire.direct().randomChunks(4, 1), "abcdefghijklmnopqrstuvwxyz");
            assertThat(String.join("", random)).isEqualTo("abcdefghijklmnopqrstuvwxyz");
            assertThat(random).hasSizeBetween(7, 26).anyMatch(piece -> piece.length() > 1);
            assertThat(pieces(Wire.direct().randomChunks(4, 1), "abcdefghijklmnopqrstuvwxyz"))
                    .isEqualTo(random);
            assertThat(pieces(Wire.direct().randomChunks(4, 2), "abcdefghijklmnopqrstuvwxyz"))
                    .isNotEqualTo(random);
        });
    }

    /** A bug: takes the bytes of one read for a message. */
    private static String firstWord(StreamReader reader) throws Exception {
        return text(await(reader.read(100))).split(" ")[0];
    }

    @Test
    void aParserThatTakesAReadForAMessageIsCaughtByChunks() throws Exception {
        VirtualTime.run(() -> {
            List<String> words = new ArrayList<>();
            for (Wire wire : List.of(Wire.direct(), Wire.direct().chunks(2))) {
                try (MemoryPair pair = MemoryPair.open(wire)) {
                    pair.server().writer().write("hello world");
                    words.add(firstWord(pair.client().reader()));
                }
            }
            assertThat(words).containsExactly("hello", "he");
        });
    }

    // ---- ends

    @Test
    void oneDirectionEndsAlone() throws Exception {
        VirtualTime.run(() -> {
            try (MemoryPair pair = MemoryPair.open(Wire.direct().latency(Duration.ofMillis(10)))) {
                pair.client().writer().write("request");
                pair.client().writer().writeEof();
                assertThat(text(await(pair.server().reader().readAll()))).isEqualTo("request");
                pair.server().writer().write("long answer");
                await(pair.server().writer().drain());
                pair.server().close();
                assertThat(text(await(pair.client().reader().readAll()))).isEqualTo("long answer");
                assertThat(pair.client().writer().isClosing()).isFalse();
            }
        });
    }

    @Test
    void aResetLosesWhatIsInFlightAndBothEndsKnow() throws Exception {
        VirtualTime.run(() -> {
            MemoryPair pair = MemoryPair.open(Wire.direct().latency(Duration.ofSeconds(1)));
            pair.client().writer().write("never arrives");
            Task<byte[]> read = createTask(pair.server().reader().read(100));
            await(sleep(Duration.ofMillis(500)));
            Duration before = now();
            pair.reset();
            assertThatThrownBy(() -> await(read))
                    .isInstanceOf(SocketException.class)
                    .hasMessage("Connection reset");
            assertThatThrownBy(() -> await(pair.client().reader().readLine())).hasMessage("Connection reset");
            assertThatThrownBy(() -> await(pair.client().writer().drain())).hasMessage("Connection reset");
            assertThatThrownBy(() -> await(pair.client().writer().waitClosed())).hasMessage("Connection reset");
            assertThat(now()).isEqualTo(before);
        });
    }

    @Test
    void bothEndsMayBeClosedAtOnce() throws Exception {
        VirtualTime.run(() -> {
            for (Wire wire : List.of(Wire.direct(), Wire.direct().latency(Duration.ofMillis(1)))) {
                MemoryPair pair = MemoryPair.open(wire);
                pair.client().writer().write("a");
                pair.server().writer().write("b");
                pair.close();
                await(pair.client().writer().waitClosed());
                await(pair.server().writer().waitClosed());
                pair.reset(); // finds no connection
                await(sleep(Duration.ofSeconds(1)));
                assertThat(pair.toClient())
                        .hasToString("<Transit local:server -> local:client, 1 bytes, 0 unread, broken, " + wire + ">");
            }
        });
    }

    @Test
    void writingToAnEndThatIsClosedFailsAfterARoundTrip() throws Exception {
        VirtualTime.run(() -> {
            MemoryPair pair = MemoryPair.open(Wire.direct().latency(Duration.ofMillis(10)));
            pair.server().close();
            pair.client().writer().write("x");
            await(pair.client().writer().drain());
            Duration before = now();
            assertThatThrownBy(() -> await(pair.client().writer().waitClosed())).hasMessage("Connection reset");
            assertThat(now().minus(before)).isEqualTo(Duration.ofMillis(20));
        });
    }

    @Test
    void theExceptionOfAResetDoesNotGrowInDebugMode() throws Exception {
        VirtualTime.run(() -> {
            EventLoop.getRunningLoop().setDebug(true);
            try (MemoryPair pair = MemoryPair.open()) {
                Task<byte[]> reading =
                        createTask(async(() -> await(pair.client().reader().readLine())));
                await(sleep(Duration.ZERO));
                pair.reset();
                assertThatThrownBy(() -> await(reading)).hasMessage("Connection reset");
                for (int i = 0; i < 50; i++) {
                    assertThatThrownBy(() -> await(pair.client().reader().readLine()))
                            .hasMessage("Connection reset")
                            .satisfies(e -> assertThat(e.getSuppressed()).hasSizeLessThan(2));
                    assertThatThrownBy(() -> await(pair.client().writer().drain()))
                            .satisfies(e -> assertThat(e.getSuppressed()).hasSizeLessThan(2));
                    assertThatThrownBy(() -> await(pair.client().writer().waitClosed()))
                            .satisfies(e -> assertThat(e.getSuppressed()).hasSizeLessThan(2));
                }
            }
        });
    }

    @Test
    void closingWithBytesUnreadResets() throws Exception {
        VirtualTime.run(() -> {
            for (boolean unread : new boolean[] {false, true}) {
                MemoryPair pair = MemoryPair.open(Wire.direct(), Wire.direct(), 100); // the reader buffers 200
                pair.client().writer().write(new byte[100]);
                await(sleep(Duration.ofSeconds(1)));
                if (unread) {
                    pair.client().writer().write(new byte[200]);
                    pair.client().writer().write(new byte[1]);
                    await(sleep(Duration.ofSeconds(1)));
                    pair.client().writer().write(new byte[1]); // after the reader has paused
                    await(sleep(Duration.ofSeconds(1)));
                }
                pair.server().close();
                if (unread) {
                    assertThatThrownBy(() -> await(pair.client().reader().readAll()))
                            .hasMessage("Connection reset");
                } else {
                    assertThat(await(pair.client().reader().readAll())).isEmpty();
                }
                pair.close();
            }
        });
    }

    @Test
    void theLoopClosesWhatNobodyHasClosed() throws Exception {
        EventLoop loop = VirtualTime.newLoop();
        MemoryPair pair = loop.runUntilComplete(async(() -> {
            MemoryPair opened =
                    MemoryPair.open(Wire.direct().capacity(10), Wire.direct().latency(Duration.ofSeconds(1)));
            opened.client().writer().write("more than there is room for");
            opened.server().writer().write(ByteBufAllocator.DEFAULT.buffer().writeBytes(new byte[100]));
            await(sleep(Duration.ZERO));
            opened.client().writer().write("in the last tick");
            return opened;
        }));
        loop.close();
        for (StreamConnection end : List.of(pair.client(), pair.server())) {
            assertThat(end.writer().isClosing()).isTrue();
            assertThat(end.writer().waitClosed().toFuture()).isDone();
        }
    }

    // ---- cuts

    @Test
    void aWireEndsAtAByte() throws Exception {
        VirtualTime.run(() -> {
            assertThat(pieces(Wire.direct().endAfter(0), "abc")).isEmpty();
            assertThat(pieces(Wire.direct().endAfter(2), "abc")).containsExactly("ab");
            assertThat(pieces(Wire.direct().endAfter(3), "abc")).containsExactly("abc");
            assertThat(pieces(Wire.direct().endAfter(4).chunks(2), "abc", "def"))
                    .containsExactly("ab", "cd");
            assertThat(pieces(Wire.direct().endAfter(99), "abc")).containsExactly("abc");
        });
    }

    @Test
    void aWireIsResetAtAByte() throws Exception {
        VirtualTime.run(() -> {
            assertThat(pieces(Wire.direct().resetAfter(0), "abc")).containsExactly("Connection reset");
            assertThat(pieces(Wire.direct().resetAfter(2), "abc")).containsExactly("ab", "Connection reset");
            assertThat(pieces(Wire.direct().resetAfter(2).latency(Duration.ofSeconds(1)), "abc"))
                    .containsExactly("ab", "Connection reset");
        });
    }

    @Test
    void theWriterBeforeACutLearnsOfItAndSoDoesAReaderThatWritesOn() throws Exception {
        VirtualTime.run(() -> {
            MemoryPair pair = MemoryPair.open(Wire.direct().endAfter(1), Wire.direct());
            pair.client().writer().write("xyz");
            assertThat(text(await(pair.server().reader().readAll()))).isEqualTo("x");
            assertThatThrownBy(() -> await(pair.client().writer().waitClosed())).hasMessage("Connection reset");
            assertThat(pair.server().writer().isClosing()).isFalse();
            pair.server().writer().write("answer");
            assertThatThrownBy(() -> await(pair.server().writer().waitClosed())).hasMessage("Connection reset");
        });
    }

    /** A bug: does not see that the body is shorter than its length. */
    private static String bodyOfLength(StreamReader reader, int length) throws Exception {
        StringBuilder body = new StringBuilder();
        byte[] piece;
        while (body.length() < length && (piece = await(reader.read(length))) != null) {
            body.append(text(piece));
        }
        return body.toString();
    }

    @Test
    void aClientThatIgnoresTruncationIsCaughtByACut() throws Exception {
        VirtualTime.run(() -> {
            for (int n = 0; n < 5; n++) {
                try (MemoryPair wrong =
                                MemoryPair.open(Wire.direct(), Wire.direct().endAfter(n));
                        MemoryPair right =
                                MemoryPair.open(Wire.direct(), Wire.direct().endAfter(n))) {
                    wrong.server().writer().write("12345");
                    right.server().writer().write("12345");
                    assertThat(bodyOfLength(wrong.client().reader(), 5)).isEqualTo("12345".substring(0, n));
                    assertThatThrownBy(() -> await(right.client().reader().readExactly(5)))
                            .isInstanceOf(IncompleteReadException.class);
                }
            }
        });
    }

    @Test
    void aWireThatStallsTellsNobodyAndGoesOnWhenItIsMended() throws Exception {
        VirtualTime.run(() -> {
            try (MemoryPair pair = MemoryPair.open(Wire.direct(), Wire.direct().stallAfter(2))) {
                pair.server().writer().write("abc");
                pair.server().writer().writeEof();
                assertThat(text(await(pair.client().reader().read(10)))).isEqualTo("ab");
                Task<byte[]> rest = createTask(pair.client().reader().readAll());
                await(sleep(Duration.ofDays(1)));
                assertThat(rest.done()).isFalse();
                pair.toClient().become(Wire.direct());
                assertThat(text(await(rest))).isEqualTo("c");
            }
        });
    }

    // ---- back-pressure

    @Test
    void drainWaitsUntilThePeerReads() throws Exception {
        VirtualTime.run(() -> {
            Wire narrow = Wire.direct().capacity(1000);
            try (MemoryPair pair =
                    MemoryPair.open(narrow, narrow, 100)) { // the reader buffers 200, plus the piece of one read
                pair.client().writer().setWriteBufferLimits(8000, 4000);
                pair.client().writer().write(new byte[10_000]);
                pair.client().writer().write(new byte[1000]);
                Task<Void> drain = createTask(pair.client().writer().drain());
                await(sleep(Duration.ofHours(1)));
                assertThat(drain.done()).isFalse();
                int read = 0;
                while (!drain.done()) {
                    read += await(pair.server().reader().read(100)).length;
                }
                await(drain);
                assertThat(read).as("until the first write was taken").isBetween(8_700, 10_500);
                assertThat(await(pair.server().reader().readExactly(11_000 - read)))
                        .hasSize(11_000 - read);
            }
        });
    }

    /** Returns the maximum that a writer of 1000 lines leaves in its buffer if the peer reads one per millisecond. */
    private static long mostUnsent(boolean drains) throws Exception {
        byte[] line = ("x".repeat(999) + "\n").getBytes(UTF_8);
        try (MemoryPair pair = MemoryPair.open(Wire.direct().capacity(4096), Wire.direct(), 1024)) {
            Task<Void> writer = createTask(async(() -> {
                for (int i = 0; i < 1000; i++) {
                    pair.client().writer().write(line);
                    if (drains) {
                        await(pair.client().writer().drain());
                    }
                }
            }));
            for (int i = 0; i < 1000; i++) {
                await(pair.server().reader().readLine());
                await(sleep(Duration.ofMillis(1)));
            }
            await(writer);
            return pair.toServer().mostUnsent();
        }
    }

    @Test
    void aWriterThatDoesNotDrainIsCaughtByWhatItLeavesUnsent() throws Exception {
        VirtualTime.run(() -> {
            assertThat(mostUnsent(true)).isLessThan(64 * 1024 + 2000);
            assertThat(mostUnsent(false)).isGreaterThan(900_000);
        });
    }

    @Test
    void buffersAndFluxesGoThroughWithBackPressure() throws Exception {
        VirtualTime.run(() -> {
            Wire wire = Wire.direct().capacity(3000).randomChunks(700, 5).latency(Duration.ofMillis(3));
            try (MemoryPair pair = MemoryPair.open(wire, wire, 1000)) {
                Flux<ByteBuf> source = Flux.range(0, 2000).map(i -> Unpooled.copiedBuffer("line " + i + "\n", UTF_8));
                Mono<Void> sent = pair.client().writer().writeFromBuffers(source);
                Task<Void> sending = createTask(
                        sent.doOnSuccess(done -> pair.client().writer().writeEof()));
                List<String> lines = await(pair.server().reader().lines(UTF_8).collectList());
                await(sending);
                assertThat(lines).hasSize(2000).startsWith("line 0").endsWith("line 1999");
            }
        });
    }

    @Test
    void wrongArgumentsAreRefusedWithTheirValues() {
        assertThatThrownBy(() -> Wire.direct().chunks(0)).hasMessageContaining("0");
        assertThatThrownBy(() -> Wire.direct().capacity(-1)).hasMessageContaining("-1");
        assertThatThrownBy(() -> Wire.direct().endAfter(-2)).hasMessageContaining("-2");
        assertThatThrownBy(() -> Wire.direct().latency(Duration.ofMillis(-1))).hasMessageContaining("PT-0.001S");
        assertThatThrownBy(MemoryPair::open).isInstanceOf(IllegalStateException.class);
    }
}
