package asyncio.streams;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.netty.buffer.AbstractByteBufAllocator;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.buffer.UnpooledHeapByteBuf;
import io.netty.util.concurrent.ImmediateEventExecutor;
import java.util.Random;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import reactor.core.publisher.Mono;
import reactor.test.StepVerifier;

/** The memory that reads need, and their behaviour without enough memory. */
@ExtendWith(LeakCheck.class)
class ReadMemoryTest extends ReaderFixture {
    private static final int PIECE = 64 * 1024;

    /** An allocator that returns buffers as long as there is memory. */
    private static final class Memory extends AbstractByteBufAllocator {
        int largest;
        boolean exhausted;

        @Override
        protected ByteBuf newHeapBuffer(int capacity, int max) {
            if (exhausted) {
                throw new OutOfMemoryError("none for " + capacity);
            }
            largest = Math.max(largest, capacity);
            return new UnpooledHeapByteBuf(this, capacity, max);
        }

        @Override
        protected ByteBuf newDirectBuffer(int capacity, int max) {
            return newHeapBuffer(capacity, max);
        }

        @Override
        public boolean isDirectBufferPooled() {
            return false;
        }
    }

    private final Memory memory = new Memory();

    {
        reader = new StreamReader(new Incoming(ImmediateEventExecutor.INSTANCE, memory, 100, this), null);
    }

    /** A form that does not fit in memory. */
    private static final ReadForm<byte[]> TOO_LARGE = new ReadForm<>() {
        @Override
        public byte[] take(ReadBuffer buffer, int n) {
            throw new OutOfMemoryError("none for " + n);
        }

        @Override
        public ByteBuf bytes(byte[] taken) {
            return Unpooled.wrappedBuffer(taken);
        }
    };

    @Test
    void aReadThatDoesNotFitInMemoryFailsAndTakesNothing() {
        Mono<byte[]> read = new MonoRead<>(reader, Until.exactly(4), TOO_LARGE);
        AtomicReference<Throwable> error = new AtomicReference<>();
        read.subscribe(bytes -> {}, error::set);
        feed("text");
        assertThat(error.get()).isInstanceOf(OutOfMemoryError.class).hasMessage("none for 4");
        StepVerifier.create(read).verifyError(OutOfMemoryError.class);
        expectRest("text");
    }

    @Test
    void anElementThatDoesNotFitInMemoryFailsItsFlux() {
        AtomicReference<Throwable> error = new AtomicReference<>();
        new FluxRead<>(reader, "lines", Until.LINE, TOO_LARGE).subscribe(line -> {}, error::set);
        feed("line\n");
        assertThat(error.get()).isInstanceOf(OutOfMemoryError.class);
        expectRest("line\n");
    }

    @Test
    void aSearchThatDoesNotFitInMemoryFailsAndTakesNothing() {
        AtomicReference<Throwable> error = new AtomicReference<>();
        byte[] piece = new byte[50];
        reader.incoming().feed(Unpooled.wrappedBuffer(piece));
        reader.readUntil("x").subscribe(bytes -> {}, error::set);
        memory.exhausted = true;
        reader.incoming().feed(Unpooled.wrappedBuffer(new byte[2000]));
        assertThat(error.get()).isInstanceOf(OutOfMemoryError.class);
        memory.exhausted = false;
        expectRest("\0".repeat(2050));
    }

    @Test
    void bytesThatCannotBeKeptFailTheReaderAndAreReleased() {
        AtomicReference<Throwable> error = new AtomicReference<>();
        reader.readExactly(1000).subscribe(bytes -> {}, error::set);
        reader.incoming().feed(Unpooled.wrappedBuffer(new byte[50]));
        memory.exhausted = true;
        ByteBuf few = Unpooled.buffer(4000).writeBytes(new byte[10]);
        assertThatThrownBy(() -> reader.incoming().feed(few)).isInstanceOf(OutOfMemoryError.class);
        assertThat(few.refCnt()).isZero();
        assertThat(error.get()).isInstanceOf(OutOfMemoryError.class);
        StepVerifier.create(reader.readLine()).verifyError(OutOfMemoryError.class);
    }

    @Test
    void aFlowThatCannotResumeFailsTheReaderAndNotTheReadThatHasItsBytes() {
        StreamReader.Flow broken = new StreamReader.Flow() {
            @Override
            public void pauseReading() {}

            @Override
            public void resumeReading() {
                throw new IllegalStateException("cannot resume");
            }
        };
        reader = new StreamReader(new Incoming(ImmediateEventExecutor.INSTANCE, memory, 10, broken), null);
        feed("a".repeat(30));
        expect(reader.readExactly(25), "a".repeat(25));
        StepVerifier.create(reader.readAll()).verifyErrorMessage("cannot resume");
    }

    @Test
    void largePiecesAreCopiedOnceIntoTheArray() {
        byte[] all = new byte[32 * PIECE];
        new Random(1).nextBytes(all);
        AtomicReference<byte[]> read = new AtomicReference<>();
        reader.readExactly(all.length).subscribe(read::set);
        for (int i = 0; i < all.length; i += PIECE) {
            reader.incoming().feed(Unpooled.copiedBuffer(all, i, PIECE));
        }
        assertThat(read.get()).isEqualTo(all);
        assertThat(memory.largest).isZero();
    }

    @Test
    void smallPiecesAreCollectedInBuffersThatDoNotGrowWithTheWhole() {
        byte[] all = new byte[16 * PIECE];
        new Random(2).nextBytes(all);
        AtomicReference<byte[]> read = new AtomicReference<>();
        reader.readAll().subscribe(read::set);
        for (int i = 0; i < all.length; i += 512) {
            reader.incoming().feed(Unpooled.buffer(4096).writeBytes(all, i, 512));
        }
        reader.incoming().feedEof();
        assertThat(read.get()).isEqualTo(all);
        assertThat(memory.largest).isLessThanOrEqualTo(2 * PIECE);
    }

    @Test
    void bytesInPiecesAreTakenSkippedAndPutBackAsOne() {
        Random random = new Random(3);
        for (int round = 0; round < 200; round++) {
            byte[] all = new byte[1 + random.nextInt(20_000)];
            random.nextBytes(all);
            ReadBuffer buffer = new ReadBuffer(memory);
            int fed = 0;
            int read = 0;
            ByteBuf seen = Unpooled.buffer();
            while (read < all.length) {
                int n = Math.min(random.nextInt(3000), all.length - fed);
                buffer.append(Unpooled.copiedBuffer(all, fed, n));
                fed += n;
                int wanted = random.nextInt(buffer.size() + 1);
                long position = buffer.position();
                ByteBuf taken = random.nextBoolean()
                        ? buffer.takeRetained(wanted)
                        : Unpooled.wrappedBuffer(buffer.take(wanted));
                if (wanted > 0 && random.nextInt(3) == 0) {
                    buffer.putBack(taken, position);
                } else {
                    seen.writeBytes(taken);
                    taken.release();
                    read += wanted;
                }
                assertThat(buffer.position()).isEqualTo(read);
                assertThat(buffer.size()).isEqualTo(fed - read);
            }
            assertThat(seen.array()).startsWith(all);
            seen.release();
            buffer.clear();
        }
    }

    @Test
    void whatCameIsReadAfterTheEndOfTheConnectionUnlessThereIsNoMemoryForIt() {
        reader.incoming().feed(Unpooled.copiedBuffer("first ", UTF_8));
        reader.incoming().feed(Unpooled.copiedBuffer("x".repeat(2000), UTF_8));
        reader.incoming().connectionLost();
        expect(reader.readAll(), "first " + "x".repeat(2000));
    }
}
