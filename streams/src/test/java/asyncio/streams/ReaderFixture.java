package asyncio.streams;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import io.netty.buffer.ByteBufAllocator;
import io.netty.util.concurrent.ImmediateEventExecutor;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import reactor.core.publisher.Mono;
import reactor.test.StepVerifier;

/** A reader fed by the test. */
abstract class ReaderFixture implements StreamReader.Flow {
    final List<String> flow = new ArrayList<>();
    StreamReader reader = reader(StreamReader.DEFAULT_LIMIT);

    StreamReader reader(int limit) {
        reader = new StreamReader(
                new Incoming(ImmediateEventExecutor.INSTANCE, ByteBufAllocator.DEFAULT, limit, this), null);
        return reader;
    }

    @Override
    public void pauseReading() {
        flow.add("pause");
    }

    @Override
    public void resumeReading() {
        flow.add("resume");
    }

    @AfterEach
    void endStream() {
        reader.incoming().connectionLost();
    }

    void feed(String text) {
        feed(text.getBytes(UTF_8));
    }

    void feed(byte[] bytes) {
        reader.incoming().feed(ByteBufAllocator.DEFAULT.buffer().writeBytes(bytes));
    }

    static Mono<String> text(Mono<byte[]> read) {
        return read.map(bytes -> new String(bytes, UTF_8));
    }

    static void expect(Mono<byte[]> read, String expected) {
        StepVerifier.create(text(read)).expectNext(expected).verifyComplete();
    }

    void expectRest(String expected) {
        reader.incoming().feedEof();
        expect(reader.readAll(), expected);
        assertThat(reader.atEof()).isTrue();
    }
}
