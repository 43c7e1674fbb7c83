package asyncio.streams;

import static asyncio.Asyncio.await;
import static asyncio.Asyncio.createTask;
import static asyncio.Asyncio.toThread;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import asyncio.Task;
import io.netty.channel.ChannelOutboundBuffer;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.core.scheduler.Schedulers;

/** The amount that a writer takes from a publisher while its peer reads nothing, and its behaviour on failures. */
@ExtendWith(LeakCheck.class)
class WriteFromMemoryTest extends PeerFixture {
    private static final int HIGH = 64 * 1024;
    private static final int ALL = 50 << 20;

    /** Returns the most that was buffered when the next piece was requested from the source. */
    private static long mostWhenAsked(int size, boolean onThread) throws Exception {
        AtomicLong most = new AtomicLong();
        withPeer((connection, peer) -> {
            Flux<byte[]> source = Flux.<byte[]>generate(sink -> {
                        ChannelOutboundBuffer buffer =
                                connection.writer().channel().unsafe().outboundBuffer();
                        most.accumulateAndGet(buffer == null ? 0 : buffer.totalPendingWriteBytes(), Math::max);
                        sink.next(new byte[size]);
                    })
                    .take(ALL / size);
            Task<Void> writing = createTask(connection
                    .writer()
                    .writeFrom(onThread ? source.subscribeOn(Schedulers.boundedElastic()) : source)
                    .doFinally(end -> connection.writer().close()));
            while (connection.writer().channel().isWritable()) {
                tick();
            }
            assertThat(await(toThread(() -> peer.getInputStream().readAllBytes())))
                    .hasSize(ALL / size * size);
            await(writing);
        });
        return most.get();
    }

    @Test
    void thereIsNeverMoreThanOnePieceBeyondTheLimit() throws Exception {
        assertThat(mostWhenAsked(2 << 20, false)).isLessThanOrEqualTo(HIGH);
        assertThat(mostWhenAsked(HIGH, false)).isLessThanOrEqualTo(HIGH);
        assertThat(mostWhenAsked(10_000, false)).isLessThanOrEqualTo(HIGH);
        assertThat(mostWhenAsked(2 << 20, true)).isLessThanOrEqualTo(HIGH);
        assertThat(mostWhenAsked(10_000, true)).isLessThanOrEqualTo(HIGH);
    }

    @Test
    void manyEmptyPiecesLetTheLoopGoOn() throws Exception {
        withPeer((connection, peer) -> {
            AtomicInteger most = new AtomicInteger();
            await(connection
                    .writer()
                    .writeFrom(Flux.<byte[], Integer>generate(() -> 0, (n, sink) -> {
                                sink.next(new byte[0]);
                                return n + 1;
                            })
                            .doOnRequest(n -> most.accumulateAndGet((int) n, Math::max))
                            .take(10_000)));
            assertThat(most).hasValue(1);
        });
    }

    @Test
    void aSourceThatHasNoMemoryForItsNextPieceFailsIt() throws Exception {
        withPeer((connection, peer) -> {
            Flux<byte[]> exhausted = Flux.generate(sink -> {
                throw new OutOfMemoryError("none for the next piece");
            });
            assertThatThrownBy(() -> await(connection.writer().writeFrom(exhausted)))
                    .isInstanceOf(OutOfMemoryError.class);
            Mono<byte[]> throwing = new Mono<>() {
                @Override
                public void subscribe(reactor.core.CoreSubscriber<? super byte[]> actual) {
                    throw new OutOfMemoryError("none to subscribe with");
                }
            };
            assertThatThrownBy(() -> await(connection.writer().writeFrom(throwing)))
                    .isInstanceOf(OutOfMemoryError.class);
            assertThat(connection.writer().isClosing()).isFalse();
        });
    }
}
