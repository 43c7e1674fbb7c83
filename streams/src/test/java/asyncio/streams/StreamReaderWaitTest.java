package asyncio.streams;

import static org.assertj.core.api.Assertions.assertThat;

import asyncio.AwaitedSubscription;
import asyncio.CancelledException;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.reactivestreams.Subscription;
import reactor.core.publisher.BaseSubscriber;
import reactor.core.publisher.Mono;
import reactor.core.publisher.SignalType;
import reactor.test.StepVerifier;

/** Reads that wait, are cancelled, or hold the peer back. */
@ExtendWith(LeakCheck.class)
class StreamReaderWaitTest extends ReaderFixture {
    // ---- waiting

    @Test
    @DisplayName("STR-32 a read that waits fails when the connection does")
    void failureWakesReader() {
        StepVerifier.create(reader.readLine())
                .then(() -> reader.incoming().fail(new IOException("gone")))
                .verifyErrorMessage("gone");
    }

    @Test
    @DisplayName(
            "STR-33 a cancelled read consumes nothing, is not told of a later failure, and makes room for the next")
    void cancelledRead() {
        StepVerifier.create(reader.readLine()).expectSubscription().thenCancel().verify();
        feed("line\n");
        expect(reader.readLine(), "line\n");
        StepVerifier.create(reader.readLine()).expectSubscription().thenCancel().verify();
        reader.incoming().fail(new IOException("gone"));
    }

    @Test
    @DisplayName("STR-50 a second read fails at once and leaves the first alone")
    void oneReadAtATime() {
        StepVerifier.create(text(reader.readLine()))
                .then(() -> {
                    StepVerifier.create(reader.read(1))
                            .verifyErrorSatisfies(e -> assertThat(e)
                                    .isInstanceOf(IllegalStateException.class)
                                    .hasMessageContaining(
                                            "read() called while readLine() is already waiting for incoming data"));
                    feed("line\n");
                })
                .expectNext("line\n")
                .verifyComplete();
    }

    @Test
    void aReadMayBeStartedFromTheOneBefore() {
        StepVerifier.create(text(reader.readLine().then(reader.readLine())))
                .then(() -> feed("1\n2\n3\n"))
                .expectNext("2\n")
                .verifyComplete();
        expectRest("3\n");
    }

    @Test
    void nothingIsReadWithoutARequest() {
        feed("line\n");
        StepVerifier.create(text(reader.readLine()), 0)
                .then(() -> expect(reader.read(1), "l"))
                .thenRequest(1)
                .expectNext("ine\n")
                .verifyComplete();
    }

    // ---- AwaitedSubscription

    /** A subscriber that behaves like an awaiting task. */
    static final class Awaiting<T> extends BaseSubscriber<T> {
        AwaitedSubscription<T> subscription;
        T value;
        Throwable error;
        private boolean over;

        boolean isOver() {
            return over;
        }

        @Override
        protected void hookFinally(SignalType type) {
            over = true;
        }

        @Override
        @SuppressWarnings("unchecked")
        protected void hookOnSubscribe(Subscription s) {
            subscription = (AwaitedSubscription<T>) s;
            s.request(Long.MAX_VALUE);
        }

        @Override
        protected void hookOnNext(T value) {
            this.value = value;
        }

        @Override
        protected void hookOnError(Throwable error) {
            this.error = error;
        }
    }

    static <T> Awaiting<T> await(Mono<T> read) {
        Awaiting<T> awaiting = new Awaiting<>();
        read.subscribe(awaiting);
        return awaiting;
    }

    @Test
    void bytesThatWereNotTakenGoBackToTheHead() {
        feed("one\ntwo\n");
        Awaiting<byte[]> awaiting = await(reader.readLine());
        awaiting.subscription.giveBack(awaiting.value);
        expect(reader.readLine(), "one\n");
        expectRest("two\n");
    }

    @Test
    void bytesGivenBackAtTheEndAreStillRead() {
        feed("one");
        reader.incoming().feedEof();
        Awaiting<byte[]> awaiting = await(reader.read(10));
        assertThat(reader.atEof()).isTrue();
        awaiting.subscription.giveBack(awaiting.value);
        assertThat(reader.atEof()).isFalse();
        expectRest("one");
    }

    @Test
    void bytesGivenBackWakeTheNextReader() {
        feed("one\n");
        Awaiting<byte[]> first = await(reader.readLine());
        Awaiting<byte[]> second = await(reader.readLine());
        first.subscription.giveBack(first.value);
        assertThat(second.value).asString().isEqualTo("one\n");
        feed("two\n");
        expectRest("two\n");
    }

    @Test
    void bytesOfTwoReadersGoBackToTheirPlaces() {
        feed("1\n2\n3\n4\n5\n");
        List<Awaiting<byte[]>> lines = new ArrayList<>();
        for (int i = 0; i < 4; i++) {
            lines.add(await(reader.readLine()));
        }
        for (int i : new int[] {1, 0, 3, 2}) {
            lines.get(i).subscription.giveBack(lines.get(i).value);
        }
        expect(reader.read(3), "1\n2");
        Awaiting<byte[]> end = await(reader.read(1));
        Awaiting<byte[]> third = await(reader.readLine());
        third.subscription.giveBack(third.value);
        end.subscription.giveBack(end.value);
        expectRest("\n3\n4\n5\n");
    }

    @Test
    void moreThanAnArrayHoldsFailsTheRead() {
        byte[] mebibyte = new byte[1 << 20];
        Awaiting<byte[]> all = await(reader.readAll());
        for (int i = 0; i < 3; i++) { // a gibibyte each, of the same bytes again and again
            ByteBuf[] same = new ByteBuf[1024];
            Arrays.setAll(same, n -> Unpooled.wrappedBuffer(mebibyte));
            reader.incoming().feed(Unpooled.wrappedBuffer(same.length, same));
        }
        assertThat(all.error).isInstanceOf(IOException.class).hasMessageContaining("chunks()");
        assertThat(flow).containsExactly("pause");
        assertThat(reader.incoming().buffer.size()).isZero();
    }

    @Test
    void aCancelRequestEndsARead() {
        Awaiting<byte[]> awaiting = await(reader.readLine());
        assertThat(awaiting.subscription.requestCancel("enough")).isTrue();
        assertThat(awaiting.error).isInstanceOf(CancelledException.class).hasMessage("enough");
        assertThat(awaiting.subscription.requestCancel("enough")).isFalse();
        feed("line\n");
        assertThat(awaiting.value).isNull();
        expectRest("line\n");
    }

    // ---- flow control

    @Test
    @DisplayName("STR-51 reading pauses above twice the limit and resumes at the limit")
    void backpressure() {
        reader(4);
        feed("12345678");
        assertThat(flow).isEmpty();
        feed("9");
        assertThat(flow).containsExactly("pause");
        expect(reader.read(4), "1234");
        assertThat(flow).containsExactly("pause");
        expect(reader.read(1), "5");
        assertThat(flow).containsExactly("pause", "resume");
    }

    @Test
    @DisplayName("STR-51 a read that needs more than is buffered resumes a paused connection")
    void largeReadResumes() {
        reader(2);
        feed("12345");
        assertThat(flow).containsExactly("pause");
        StepVerifier.create(text(reader.readExactly(12)))
                .then(() -> {
                    assertThat(flow).containsExactly("pause", "resume");
                    feed("67890");
                    assertThat(flow).containsExactly("pause", "resume");
                    feed("12345678");
                })
                .expectNext("123456789012")
                .verifyComplete();
        assertThat(flow).containsExactly("pause", "resume", "pause");
    }

    @Test
    void whatIsLeftCanBeReadAfterTheConnectionIsGone() {
        feed("left\nover");
        reader.incoming().connectionLost();
        expect(reader.readLine(), "left\n");
        expect(reader.readLine(), "over");
    }
}
