package asyncio.streams;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.netty.buffer.ByteBufAllocator;
import io.netty.buffer.ByteBufUtil;
import io.netty.buffer.Unpooled;
import io.netty.buffer.UnpooledHeapByteBuf;
import java.util.Arrays;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import reactor.core.publisher.Mono;
import reactor.test.StepVerifier;

/** Reading until a separator, as {@code readuntil} does. */
@ExtendWith(LeakCheck.class)
class StreamReaderUntilTest extends ReaderFixture {
    private static void expectOverrun(Mono<?> read, String what, int consumed) {
        StepVerifier.create(read)
                .verifyErrorSatisfies(e -> assertThat(e)
                        .isInstanceOf(LimitOverrunException.class)
                        .hasMessageContaining(what)
                        .hasMessageContaining("readExactly(" + consumed + ")")
                        .extracting("consumed")
                        .isEqualTo(consumed));
    }

    @Test
    @DisplayName("STR-19 no separator, or an empty one, is refused")
    void separatorsAreChecked() {
        assertThatThrownBy(() -> reader.readUntil(""))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("Separator should be");
        assertThatThrownBy(() -> reader.readUntil("x", ""))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("Separator should be");
        assertThatThrownBy(() -> reader.readUntil(new byte[0][]))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("Separator should contain");
        assertThatThrownBy(() -> reader.readUntilRetained(new byte[0]))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("Separator should be");
    }

    @Test
    void aSeparatorMayComeInPieces() {
        StepVerifier.create(text(reader.readUntil("\r\n\r\n")))
                .then(() -> Stream.of("GET / HTTP/1.1\r\nHost: x\r", "\n", "\r", "\nbody")
                        .forEach(this::feed))
                .expectNext("GET / HTTP/1.1\r\nHost: x\r\n\r\n")
                .verifyComplete();
        expectRest("body");
    }

    @Test
    void theSeparatorsAreTakenAsTheyWereAtTheCall() {
        byte[] separator = {'b'};
        Mono<byte[]> read = reader.readUntil(separator);
        separator[0] = 'a';
        feed("aabcb");
        expect(read, "aab");
        expect(read, "cb"); // cold: each subscription is a new read
    }

    @Test
    @DisplayName("STR-22 the end of the stream before a separator fails with what came, which is dropped")
    void untilEof() {
        feed("some dataAA");
        reader.incoming().feedEof();
        StepVerifier.create(reader.readUntil("AAA")).verifyErrorSatisfies(e -> {
            assertThat(e).isInstanceOf(IncompleteReadException.class).hasMessageContaining("undefined expected bytes");
            assertThat(((IncompleteReadException) e).partial()).asString().isEqualTo("some dataAA");
            assertThat(((IncompleteReadException) e).expected()).isEqualTo(-1);
        });
        assertThat(reader.atEof()).isTrue();
    }

    @Test
    @DisplayName("STR-23 over the limit nothing is dropped, and consumed says what cannot be part of a separator")
    void untilLimit() {
        reader(3);
        feed("some dataAA");
        expectOverrun(reader.readUntil("AAA"), "not found", 9);
        feed("A");
        expectOverrun(reader.readUntil("AAA"), "is found", 9);
        expectOverrun(reader.readUntil("AAA"), "is found", 9);
        expect(reader.readExactly(9), "some data");
        expect(reader.readUntil("AAA"), "AAA");
        expectRest("");
    }

    @Test
    @DisplayName("STR-24 of several separators the one that ends first")
    void severalSeparators() {
        feed("line 1\nline 2\r");
        expect(reader.readUntil("\r", "\n"), "line 1\n");
        expect(reader.readUntil("\r", "\n"), "line 2\r");
        feed("ABCDEFG");
        expect(reader.readUntil("DEF", "BCDE"), "ABCDE");
        expectRest("FG");
    }

    @Test
    @DisplayName("STR-25 of separators that end together the shortest counts for the limit")
    void severalSeparatorsLimit() {
        reader(3);
        feed("some dataA");
        expectOverrun(reader.readUntil("A", "ome dataA"), "is found", 9);
        expectRest("some dataA");
    }

    @Test
    @DisplayName("STR-26 a separator longer than what has come is no obstacle")
    void longSeparator() {
        feed("data");
        StepVerifier.create(text(reader.readUntil("A", "long sep")))
                .then(() -> {
                    feed("Z");
                    feed("Aaaa");
                })
                .expectNext("dataZA")
                .verifyComplete();
        expectRest("aaa");
    }

    @Test
    void anotherSeparatorSearchesFromTheHead() {
        feed("a;b");
        StepVerifier.create(reader.readUntil("\n")).thenCancel().verify();
        expect(reader.readUntil(";"), "a;");
        expectRest("b");
    }

    @Test
    void bytesGivenBackAreSearchedAgain() {
        feed("no end");
        StepVerifier.create(text(reader.readUntil("\n")))
                .then(() -> reader.incoming().putBack(ReadForm.BYTES.bytes("one\n".getBytes(US_ASCII)), 0))
                .expectNext("one\n")
                .verifyComplete();
        expectRest("no end");
    }

    /** A heap buffer that counts the bytes visited by a search. */
    private static final class Counting extends UnpooledHeapByteBuf {
        long looked;

        Counting(int capacity) {
            super(ByteBufAllocator.DEFAULT, capacity, capacity);
        }

        @Override
        public int indexOf(int from, int to, byte value) {
            looked += to - from;
            return super.indexOf(from, to, value);
        }
    }

    @Test
    @DisplayName("a long message in small pieces is searched once, not once for each piece")
    void searchIsIncremental() {
        int pieces = 1000;
        Counting bytes = new Counting(32 * pieces);
        ReadBuffer buffer = new ReadBuffer(ByteBufAllocator.DEFAULT);
        Separators separators = new Separators("\r\n".getBytes(US_ASCII));
        buffer.append(bytes.writeByte('x'));
        for (int i = 0; i < pieces; i++) {
            buffer.append(Unpooled.copiedBuffer("0123456789abcdef", US_ASCII));
            assertThat(buffer.find(separators)).isEqualTo(-1);
        }
        buffer.append(Unpooled.copiedBuffer("\r\n", US_ASCII));
        assertThat(buffer.find(separators)).isEqualTo(16 * pieces + 3);
        assertThat(bytes.looked).isBetween(16L * pieces, 18L * pieces);
        buffer.skip(buffer.size());
    }

    @Test
    @DisplayName("text is decoded as UTF-8 whichever way it is cut")
    void separatorsInUtf8() {
        String all = "grüße→ende→";
        byte[] bytes = all.getBytes(UTF_8);
        Random random = new Random(1);
        for (int round = 0; round < 100; round++) {
            int cut = random.nextInt(bytes.length);
            StreamReader reader = reader(100);
            feed(Arrays.copyOf(bytes, cut));
            StepVerifier.create(text(reader.readUntil("→")
                            .concatWith(reader.readUntil("→"))
                            .collectList()
                            .map(parts -> Unpooled.wrappedBuffer(parts.toArray(byte[][]::new)))
                            .map(joined -> ByteBufUtil.getBytes(joined))))
                    .then(() -> feed(Arrays.copyOfRange(bytes, cut, bytes.length)))
                    .expectNext(all)
                    .verifyComplete();
        }
    }
}
