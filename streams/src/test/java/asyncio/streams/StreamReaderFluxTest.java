package asyncio.streams;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import asyncio.EventLoop;
import io.netty.buffer.ByteBuf;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.reactivestreams.Subscription;
import reactor.core.publisher.BaseSubscriber;
import reactor.core.publisher.Flux;
import reactor.test.StepVerifier;

/** Lines and chunks as a Flux, and reads without copying. */
@ExtendWith(LeakCheck.class)
class StreamReaderFluxTest extends ReaderFixture {
    private static Flux<String> texts(Flux<byte[]> arrays) {
        return arrays.map(bytes -> new String(bytes, UTF_8));
    }

    private static String release(ByteBuf bytes) {
        try {
            return bytes.toString(UTF_8);
        } finally {
            bytes.release();
        }
    }

    @Test
    @DisplayName("STR-34 lines come as they are requested, the last one without a newline, and the end at once")
    void linesAsRequested() {
        StepVerifier.create(texts(reader.lines()), 0)
                .then(() -> feed("line1\nli"))
                .expectNoEvent(Duration.ZERO)
                .thenRequest(2)
                .expectNext("line1\n")
                .then(() -> feed("ne2\nline3\nli"))
                .expectNext("line2\n")
                .then(() -> assertThat(reader.incoming().buffer.size()).isEqualTo(8))
                .thenRequest(2)
                .expectNext("line3\n")
                .then(() -> feed("ne4"))
                .then(reader.incoming()::feedEof)
                .expectNext("line4")
                .verifyComplete(); // without another request
    }

    @Test
    void linesAsTextHaveNoEnd() {
        feed("a\r\n\nb\rc\n\r\ngrüße");
        reader.incoming().feedEof();
        StepVerifier.create(reader.lines(UTF_8))
                .expectNext("a", "", "b\rc", "", "grüße")
                .verifyComplete();
    }

    @Test
    void chunksAreWhatHasCome() {
        feed("12345");
        StepVerifier.create(texts(reader.chunks(2)), 2)
                .expectNext("12", "34")
                .thenRequest(1)
                .expectNext("5")
                .thenRequest(1)
                .then(() -> feed("6"))
                .expectNext("6")
                .thenCancel()
                .verify();
        feed("789");
        StepVerifier.create(texts(reader.chunks()))
                .expectNext("789")
                .then(() -> feed("0"))
                .expectNext("0")
                .then(reader.incoming()::feedEof)
                .verifyComplete();
        assertThatThrownBy(() -> reader.chunks(0))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("positive, not 0");
    }

    @Test
    void cancellingKeepsWhatWasNotEmitted() {
        feed("1\n2\n3\n");
        StepVerifier.create(texts(reader.lines().take(2)))
                .expectNext("1\n", "2\n")
                .verifyComplete();
        StepVerifier.create(reader.lines(), 1)
                .expectNextCount(1)
                .thenRequest(1) // waits now
                .thenCancel()
                .verify();
        feed("4\n");
        expectRest("4\n");
    }

    @Test
    void aFluxThatWaitsIsTheOneReader() {
        StepVerifier.create(texts(reader.lines()), 1)
                .then(() -> StepVerifier.create(reader.read(1))
                        .verifyErrorSatisfies(e -> assertThat(e)
                                .isInstanceOf(IllegalStateException.class)
                                .hasMessageContaining("read() called while lines() is already waiting")))
                .then(() -> feed("1\n2\n"))
                .expectNext("1\n")
                .then(() -> expect(reader.read(1), "2")) // nothing is requested: it does not wait
                .thenRequest(1)
                .expectNext("\n")
                .thenCancel()
                .verify();
        StepVerifier.create(reader.read(1))
                .then(() -> StepVerifier.create(reader.chunks())
                        .verifyErrorMessage("chunks() called while read() is already waiting for incoming data: a "
                                + "connection has one reader at a time"))
                .thenCancel()
                .verify();
    }

    @Test
    void aReadThatItsOwnSubscriberStartsInBetweenIsServedOrNamed() {
        feed("3\nabc2\nde");
        StepVerifier.create(reader.lines(US_ASCII)
                        .limitRate(1)
                        .concatMap(length -> text(reader.readExactly(Integer.parseInt(length))), 1)
                        .take(1))
                .expectNext("abc")
                .verifyComplete();
        StepVerifier.create(reader.lines(US_ASCII).flatMap(length -> reader.readExactly(9)))
                .expectErrorMessage("lines() called while readExactly() is already waiting for incoming data: a "
                        + "connection has one reader at a time")
                .verify();
    }

    @Test
    void failuresEndIt() {
        reader(3);
        feed("1\n12345\n2\n");
        StepVerifier.create(reader.lines())
                .expectNextCount(1)
                .verifyErrorSatisfies(e -> assertThat(e)
                        .isInstanceOf(LimitOverrunException.class)
                        .hasMessageContaining("limit of 3 bytes"));
        StepVerifier.create(texts(reader.lines()))
                .expectNext("2\n")
                .then(() -> reader.incoming().fail(new IOException("gone")))
                .verifyErrorMessage("gone");
    }

    @Test
    void manyLinesNeedNoStack() {
        List<Integer> lengths = new ArrayList<>();
        int n = 100_000;
        feed("x\n".repeat(n));
        reader.incoming().feedEof();
        reader.lines().limitRate(1).subscribe(line -> lengths.add(line.length));
        assertThat(lengths).hasSize(n).containsOnly(2);
    }

    /** Requests from one thread while the loop emits, waits or ends are neither lost nor served twice. */
    @Test
    void demandOfAnotherThreadIsServed() throws Exception {
        EventLoop loop = EventLoop.shared().next();
        int lines = 20;
        for (int round = 0; round < 2000; round++) {
            StreamReader reader = StreamReader.create(loop, 100);
            AtomicInteger received = new AtomicInteger();
            CountDownLatch completed = new CountDownLatch(1);
            BaseSubscriber<byte[]> subscriber = new BaseSubscriber<>() {
                @Override
                protected void hookOnSubscribe(Subscription s) {}

                @Override
                protected void hookOnNext(byte[] line) {
                    received.incrementAndGet();
                }

                @Override
                protected void hookOnComplete() {
                    completed.countDown();
                }
            };
            reader.lines().subscribe(subscriber);
            loop.callSoonThreadsafe(() -> {
                for (int i = 0; i < lines; i++) {
                    loop.callSoon(() -> reader.feedData("x\n".getBytes(US_ASCII)));
                }
                loop.callSoon(reader::feedEof);
            });
            for (int i = 0; i <= lines; i++) { // one more, for the end
                subscriber.request(1);
                assertThat(received.get()).isLessThanOrEqualTo(i + 1);
            }
            assertThat(completed.await(10, TimeUnit.SECONDS))
                    .as("completed after %d lines", received.get())
                    .isTrue();
            assertThat(received).hasValue(lines);
        }
    }

    // ---- without copying

    @Test
    void retainedFormsGiveTheSame() {
        feed("line1\nabc;defghij");
        StepVerifier.create(reader.readLineRetained().map(StreamReaderFluxTest::release))
                .expectNext("line1\n")
                .verifyComplete();
        StepVerifier.create(reader.readUntilRetained(new byte[] {';'}).map(StreamReaderFluxTest::release))
                .expectNext("abc;")
                .verifyComplete();
        StepVerifier.create(reader.readExactlyRetained(2).map(StreamReaderFluxTest::release))
                .expectNext("de")
                .verifyComplete();
        StepVerifier.create(reader.readRetained(2).map(StreamReaderFluxTest::release))
                .expectNext("fg")
                .verifyComplete();
        StepVerifier.create(reader.readRetained(0).map(StreamReaderFluxTest::release))
                .expectNext("")
                .verifyComplete();
        StepVerifier.create(reader.readRetained(100).map(StreamReaderFluxTest::release))
                .expectNext("hij")
                .verifyComplete();
        expectRest("");
    }

    @Test
    void aBufferThatWasHandedOutDoesNotChange() {
        feed("one\ntw");
        ByteBuf one = reader.readLineRetained().block();
        feed("o\nthree\n");
        feed("x".repeat(10_000));
        assertThat(one.toString(UTF_8)).isEqualTo("one\n");
        expect(reader.readLine(), "two\n");
        ByteBuf three = reader.readLineRetained().block();
        reader.incoming().connectionLost();
        assertThat(three.toString(UTF_8)).isEqualTo("three\n");
        assertThat(release(one) + release(three)).isEqualTo("one\nthree\n");
    }

    @Test
    void chunksRetained() {
        feed("12345");
        StepVerifier.create(reader.chunksRetained(3).map(StreamReaderFluxTest::release), 1)
                .expectNext("123")
                .thenRequest(1)
                .expectNext("45")
                .thenCancel()
                .verify();
        feed("1\n22\n");
        StepVerifier.create(reader.linesRetained().map(StreamReaderFluxTest::release))
                .expectNext("1\n", "22\n")
                .thenCancel()
                .verify();
    }

    @Test
    void aBufferThatABodyDidNotTakeGoesBack() {
        feed("one\ntwo\n");
        StreamReaderWaitTest.Awaiting<ByteBuf> awaiting = StreamReaderWaitTest.await(reader.readLineRetained());
        awaiting.subscription.giveBack(awaiting.value);
        expect(reader.readLine(), "one\n");
        StreamReaderWaitTest.Awaiting<ByteBuf> last = StreamReaderWaitTest.await(reader.readRetained(100));
        last.subscription.giveBack(last.value);
        expectRest("two\n");
    }
}
