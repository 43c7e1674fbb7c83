package asyncio.streams;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.PooledByteBufAllocator;
import io.netty.buffer.UnpooledByteBufAllocator;
import io.netty.util.ResourceLeakDetector;
import java.util.Objects;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class WriteGathererTest {
    private final UnpooledByteBufAllocator allocator = new UnpooledByteBufAllocator(true, true);
    private final WriteGatherer gathered = new WriteGatherer(allocator);

    /** Untracked, since the wrappers of the leak detector hide which buffer is a piece of which. */
    static Stream<ByteBuf> directBuffers() {
        ResourceLeakDetector.Level level = ResourceLeakDetector.getLevel();
        ResourceLeakDetector.setLevel(ResourceLeakDetector.Level.DISABLED);
        try {
            // the pieces of the first have their own reference count, those of the second share the buffer's
            return Stream.of(
                    new PooledByteBufAllocator(true).directBuffer(), new UnpooledByteBufAllocator(true).directBuffer());
        } finally {
            ResourceLeakDetector.setLevel(level);
        }
    }

    @ParameterizedTest
    @MethodSource("directBuffers")
    void neighbouringPiecesBecomeOneAgain(ByteBuf whole) {
        assumeTrue(whole.hasMemoryAddress());
        whole.writeBytes("-one\ntwo\nthree\n".getBytes(US_ASCII)).skipBytes(1);
        assertThat(gathered.begin(whole.readRetainedSlice(4))).isTrue();
        assertThat(gathered.add(whole.readRetainedSlice(4))).isTrue();
        assertThat(gathered.add(whole)).as("the rest").isTrue();
        assertThat(gathered.size()).isEqualTo(14);
        ByteBuf all = take();
        assertThat(all.toString(US_ASCII)).isEqualTo("one\ntwo\nthree\n");
        assertThat(all.release()).isTrue();
        assertThat(whole.refCnt()).isZero();
        assertThat(gathered.take()).isNull();
        assertThat(gathered.size()).isZero();
    }

    @ParameterizedTest
    @MethodSource("directBuffers")
    void aSinglePieceGoesOutAsItIs(ByteBuf whole) {
        assumeTrue(whole.hasMemoryAddress());
        whole.writeBytes("one\ntwo\n".getBytes(US_ASCII));
        ByteBuf piece = whole.readRetainedSlice(4);
        assertThat(gathered.begin(piece)).isTrue();
        assertThat(take()).isSameAs(piece);
        piece.release();
        whole.release();
    }

    @ParameterizedTest
    @MethodSource("directBuffers")
    void piecesThatAreNoNeighboursAreRefusedAndStayTheCallers(ByteBuf whole) {
        assumeTrue(whole.hasMemoryAddress());
        whole.writeBytes("aabbcc".getBytes(US_ASCII));
        ByteBuf other = allocator.directBuffer().writeBytes("bbbb".getBytes(US_ASCII));
        assertThat(gathered.begin(whole.retainedSlice(2, 2))).isTrue();
        for (ByteBuf refused : new ByteBuf[] {
            whole.retainedSlice(0, 2),
            whole.retainedSlice(2, 2),
            whole.retainedSlice(5, 1),
            other.retainedSlice(2, 2),
            other.retain(),
            whole.retain()
        }) {
            int count = refused.refCnt();
            assertThat(gathered.add(refused)).isFalse();
            assertThat(refused.refCnt()).isEqualTo(count);
            refused.release();
        }
        take().release();
        assertThat(whole.release()).isTrue();
        assertThat(other.release()).isTrue();
    }

    @Test
    void whatIsNoPieceIsRefused() {
        ByteBuf whole = allocator.directBuffer().writeBytes("abcd".getBytes(US_ASCII));
        assertThat(gathered.begin(whole)).isFalse();
        assertThat(gathered.add(whole)).as("nothing was begun").isFalse();
        ByteBuf onHeap = allocator.heapBuffer(4).writeInt(1);
        assertThat(gathered.begin(onHeap.slice(0, 2))).as("without an address").isFalse();
        assertThat(onHeap.release()).isTrue();
        assertThat(whole.release()).isTrue();
    }

    @Test
    void piecesAreJoinedUpToSixtyFourKibibytes() {
        ByteBuf whole = allocator.directBuffer().writeZero(70_000);
        assumeTrue(whole.hasMemoryAddress());
        assertThat(gathered.begin(whole.readRetainedSlice(60_000))).isTrue();
        assertThat(gathered.add(whole.readRetainedSlice(5_536))).isTrue();
        assertThat(gathered.add(whole)).isFalse();
        assertThat(take().readableBytes()).isEqualTo(65_536);
        assertThat(whole.release(2)).isTrue();
    }

    @Test
    void arraysAreCopiedTogetherAndNotAmongPieces() {
        ByteBuf whole = allocator.directBuffer().writeBytes("abcd".getBytes(US_ASCII));
        byte[] array = "one ".getBytes(US_ASCII);
        assertThat(gathered.add(array)).as("nothing was begun").isFalse();
        assertThat(gathered.begin(array)).isTrue();
        array[0] = 'x';
        assertThat(gathered.add("two".getBytes(US_ASCII))).isTrue();
        assertThat(gathered.add(whole)).isFalse();
        assertThat(gathered.size()).isEqualTo(7);
        ByteBuf arrays = take();
        assertThat(arrays.toString(US_ASCII)).isEqualTo("one two");
        assertThat(arrays.capacity()).as("memory for seven bytes").isLessThan(1024);
        arrays.release();
        if (gathered.begin(whole.readRetainedSlice(2))) {
            assertThat(gathered.add(array)).isFalse();
            take().release();
        }
        whole.release();
    }

    @Test
    void arraysThatFillABufferAreRefused() {
        assertThat(gathered.begin(new byte[8 * 1024 + 1])).isFalse();
        assertThat(gathered.begin(new byte[8 * 1024])).isTrue();
        assertThat(gathered.add(new byte[8 * 1024])).isTrue();
        assertThat(gathered.add(new byte[1])).isFalse();
        assertThat(take().release()).isTrue();
    }

    private ByteBuf take() {
        return Objects.requireNonNull(gathered.take());
    }
}
