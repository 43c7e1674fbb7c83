package asyncio.streams;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.ObjectInputStream;
import java.io.ObjectOutputStream;
import java.util.List;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import reactor.core.publisher.Mono;
import reactor.test.StepVerifier;

@ExtendWith(LeakCheck.class)
class StreamReaderTest extends ReaderFixture {
    // ---- read

    @Test
    @DisplayName("STR-03 read(0) gives nothing at once and consumes nothing")
    void readZero() {
        feed("data");
        expect(reader.read(0), "");
        expectRest("data");
    }

    @Test
    @DisplayName("STR-04 read(n) gives what comes first and does not wait for n")
    void read() {
        StepVerifier.create(text(reader.read(30)))
                .then(() -> feed("some 18 bytes here"))
                .expectNext("some 18 bytes here")
                .verifyComplete();
        feed("abcdef");
        expect(reader.read(4), "abcd");
        expectRest("ef");
    }

    @Test
    @DisplayName("STR-05 read at the end of the stream completes empty")
    void readEof() {
        StepVerifier.create(reader.read(1024)).then(reader.incoming()::feedEof).verifyComplete();
        StepVerifier.create(reader.read(1024)).verifyComplete();
        assertThat(reader.atEof()).isTrue();
    }

    @Test
    @DisplayName("STR-06 readAll gives all chunks until the end, and an empty array if nothing is left")
    void readAll() {
        StepVerifier.create(text(reader.readAll()))
                .then(() -> {
                    feed("chunk1\n");
                    feed("chunk2");
                    reader.incoming().feedEof();
                })
                .expectNext("chunk1\nchunk2")
                .verifyComplete();
        expect(reader.readAll(), "");
    }

    @Test
    @DisplayName("STR-07 STR-18 STR-31 once the connection has failed every read fails, also with bytes left")
    void readAfterFailure() {
        IOException failure = new IOException("reset");
        feed("line\n");
        reader.incoming().fail(failure);
        for (Mono<byte[]> read : List.of(reader.read(2), reader.readLine(), reader.readExactly(2), reader.readAll())) {
            StepVerifier.create(read).verifyErrorSatisfies(e -> assertThat(e).isSameAs(failure));
        }
    }

    @Test
    @DisplayName("STR-08 a limit that is not positive is refused")
    void invalidLimit() {
        assertThatThrownBy(() -> reader(0))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("limit");
        assertThatThrownBy(() -> reader(-1))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("limit");
    }

    @Test
    @DisplayName("STR-09 STR-29 read and readExactly are not subject to the limit")
    void readIgnoresLimit() {
        reader(3);
        feed("chunkchunk");
        expect(reader.read(5), "chunk");
        expect(reader.readExactly(5), "chunk");
    }

    @Test
    void negativeSizesAreRefused() {
        assertThatThrownBy(() -> reader.read(-1))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("readAll()");
    }

    // ---- readLine

    @Test
    void aLineInPiecesIsOneLine() {
        StepVerifier.create(text(reader.readLine()))
                .then(() -> {
                    feed("chunk1 ");
                    feed("chunk2 ");
                    feed("chunk3 \n chunk4");
                })
                .expectNext("chunk1 chunk2 chunk3 \n")
                .verifyComplete();
        expectRest(" chunk4");
    }

    @Test
    @DisplayName("STR-11 a line over the limit fails and is dropped; the next line stays")
    void lineOverLimitWithNewline() {
        reader(3);
        feed("line1\nline2\n");
        StepVerifier.create(reader.readLine())
                .verifyErrorSatisfies(e -> assertThat(e)
                        .isInstanceOf(LimitOverrunException.class)
                        .hasMessageContaining("is found")
                        .hasMessageContaining("3 bytes")
                        .extracting("consumed")
                        .isEqualTo(5));
        expectRest("line2\n");
    }

    @Test
    @DisplayName("STR-12 too much without a newline fails and is dropped entirely")
    void lineOverLimitWithoutNewline() {
        reader(3);
        feed("line1li");
        StepVerifier.create(reader.readLine())
                .verifyErrorSatisfies(e -> assertThat(e)
                        .isInstanceOf(LimitOverrunException.class)
                        .hasMessageContaining("not found")
                        .extracting("consumed")
                        .isEqualTo(7));
        expectRest("");
    }

    @Test
    @DisplayName("STR-13 STR-14 the limit also ends a line that comes in pieces")
    void lineOverLimitInPieces() {
        reader(7);
        StepVerifier.create(reader.readLine())
                .then(() -> {
                    feed("chunk1");
                    feed("chunk2\n");
                    feed("chunk3\n");
                })
                .verifyError(LimitOverrunException.class);
        expectRest("chunk3\n");
    }

    @Test
    @DisplayName("STR-15 the limit does not count the newline")
    void limitExcludesNewline() {
        reader(7);
        feed("1234567\n");
        expect(reader.readLine(), "1234567\n");
        feed("12345678\n");
        StepVerifier.create(reader.readLine()).verifyError(LimitOverrunException.class);
        feed("12345678");
        StepVerifier.create(reader.readLine()).verifyError(LimitOverrunException.class);
        expectRest("");
    }

    @Test
    @DisplayName("STR-17 the last line needs no newline; after it readLine completes empty")
    void lastLine() {
        feed("some data");
        reader.incoming().feedEof();
        expect(reader.readLine(), "some data");
        StepVerifier.create(reader.readLine()).verifyComplete();
    }

    @Test
    @DisplayName("STR-34 lines() emits all lines, one read for each requested")
    void lines() {
        feed("line1\nline2\nline3");
        reader.incoming().feedEof();
        StepVerifier.create(reader.lines().map(line -> new String(line, UTF_8)), 1)
                .expectNext("line1\n")
                .then(() -> assertThat(reader.atEof()).isFalse())
                .thenRequest(5)
                .expectNext("line2\n", "line3")
                .verifyComplete();
    }

    // ---- readExactly

    @Test
    @DisplayName("STR-27 readExactly(0) gives nothing at once, a negative size is refused")
    void readExactlyZeroOrLess() {
        feed("data");
        expect(reader.readExactly(0), "");
        assertThatThrownBy(() -> reader.readExactly(-1))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("less than zero");
        expectRest("data");
    }

    @Test
    @DisplayName("STR-28 readExactly waits for all bytes and leaves the rest")
    void readExactly() {
        String chunk = "eighteen bytes long";
        StepVerifier.create(text(reader.readExactly(2 * chunk.length())))
                .then(() -> {
                    feed(chunk);
                    feed(chunk);
                    feed(chunk);
                })
                .expectNext(chunk + chunk)
                .verifyComplete();
        expectRest(chunk);
    }

    @Test
    @DisplayName("STR-30 readExactly fails at the end of the stream with what has come")
    void readExactlyEof() {
        StepVerifier.create(reader.readExactly(36))
                .then(() -> {
                    feed("x".repeat(18));
                    reader.incoming().feedEof();
                })
                .verifyErrorSatisfies(e -> {
                    assertThat(e)
                            .isInstanceOf(IncompleteReadException.class)
                            .hasMessage("18 bytes read on a total of 36 expected bytes");
                    assertThat(((IncompleteReadException) e).partial()).hasSize(18);
                    assertThat(((IncompleteReadException) e).expected()).isEqualTo(36);
                });
        assertThat(reader.atEof()).isTrue();
    }

    @Test
    @DisplayName("STR-40 the exceptions can be serialized")
    void exceptionsAreSerializable() throws Exception {
        IncompleteReadException incomplete = copy(new IncompleteReadException(new byte[] {1, 2}, 5));
        assertThat(incomplete).hasMessage("2 bytes read on a total of 5 expected bytes");
        assertThat(incomplete.partial()).containsExactly(1, 2);
        assertThat(copy(new LimitOverrunException("too long", 7)).consumed()).isEqualTo(7);
    }

    @SuppressWarnings("unchecked")
    private static <E extends Exception> E copy(E exception) throws Exception {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        new ObjectOutputStream(bytes).writeObject(exception);
        return (E) new ObjectInputStream(new ByteArrayInputStream(bytes.toByteArray())).readObject();
    }
}
