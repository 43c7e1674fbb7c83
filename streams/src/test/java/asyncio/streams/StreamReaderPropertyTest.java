package asyncio.streams;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static org.assertj.core.api.Assertions.assertThat;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufAllocator;
import io.netty.util.concurrent.ImmediateEventExecutor;
import java.io.BufferedReader;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStreamReader;
import java.util.Objects;
import java.util.Random;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/** Readers under random chunkings, reads and cancellations; {@code -Dasyncio.test.seed=N} replays one. */
@ExtendWith(LeakCheck.class)
class StreamReaderPropertyTest {
    private static final int ROUNDS = 300;

    @Test
    @DisplayName("2,000 random programs do what they do on CPython 3.13")
    void randomProgramsDoWhatTheyDoOnCPython() throws IOException {
        try (BufferedReader expected = new BufferedReader(new InputStreamReader(
                Objects.requireNonNull(getClass().getResourceAsStream("reader-programs.txt")), US_ASCII))) {
            int programs = 0;
            for (String line; (line = expected.readLine()) != null; programs++) {
                int seed = Integer.parseInt(line.split(" ")[0]);
                String program = ReaderPrograms.make(seed);
                String log = ReaderPrograms.run(program);
                assertThat(seed + " " + ReaderPrograms.crcOf(log))
                        .as("program %s did %s", program, log)
                        .isEqualTo(line);
            }
            assertThat(programs).isEqualTo(2000);
        }
    }

    /** Bytes arrive one at a time or in bulk; reads of every kind are cancelled, and their bytes are given back. */
    @Test
    void nothingIsLostOrDoubled() {
        long first = Long.getLong("asyncio.test.seed", System.nanoTime());
        int rounds = Long.getLong("asyncio.test.seed") == null ? ROUNDS : 1;
        for (long seed = first; seed < first + rounds; seed++) {
            try {
                readAll(new Random(seed));
            } catch (AssertionError | RuntimeException e) {
                throw new AssertionError("-Dasyncio.test.seed=" + seed + " replays it: " + e.getMessage(), e);
            }
        }
    }

    private static void readAll(Random random) {
        byte[] sent = new byte[random.nextInt(random.nextBoolean() ? 2000 : 50_000)];
        for (int i = 0; i < sent.length; i++) {
            sent[i] = (byte) "abcdefg\n".charAt(random.nextInt(8));
        }
        StreamReader reader = new StreamReader(
                new Incoming(ImmediateEventExecutor.INSTANCE, ByteBufAllocator.DEFAULT, 500, new StreamReader.Flow() {
                    @Override
                    public void pauseReading() {}

                    @Override
                    public void resumeReading() {}
                }),
                null);
        ByteArrayOutputStream received = new ByteArrayOutputStream();
        int largest = sent.length > 2000 ? 5000 : random.nextBoolean() ? 1 : 100;
        for (int fed = 0; fed < sent.length || !reader.atEof(); ) {
            if (fed < sent.length && random.nextBoolean()) {
                int n = Math.min(sent.length - fed, 1 + random.nextInt(largest));
                reader.incoming().feed(ByteBufAllocator.DEFAULT.buffer().writeBytes(sent, fed, n));
                fed += n;
            } else if (fed == sent.length && !reader.incoming().ended()) {
                reader.incoming().connectionLost();
            } else {
                readSome(random, 1 + largest, reader, received);
            }
        }
        assertThat(received.toByteArray()).isEqualTo(sent);
    }

    private static void readSome(Random random, int sizes, StreamReader reader, ByteArrayOutputStream received) {
        switch (random.nextInt(6)) {
            case 0 -> take(random, StreamReaderWaitTest.await(reader.readLine()), received);
            case 1 -> take(random, StreamReaderWaitTest.await(reader.read(random.nextInt(sizes))), received);
            case 2 ->
                takeBuffer(
                        random, StreamReaderWaitTest.await(reader.readRetained(1 + random.nextInt(sizes))), received);
            case 3 -> takeBuffer(random, StreamReaderWaitTest.await(reader.readLineRetained()), received);
            case 4 ->
                reader.lines()
                        .take(random.nextInt(5))
                        .subscribe(received::writeBytes)
                        .dispose();
            default ->
                reader.chunksRetained(1 + random.nextInt(sizes))
                        .take(random.nextInt(5))
                        .subscribe(bytes -> write(bytes, received))
                        .dispose();
        }
    }

    private static void take(
            Random random, StreamReaderWaitTest.Awaiting<byte[]> read, ByteArrayOutputStream received) {
        if (read.value == null) {
            read.subscription.requestCancel(null);
        } else if (random.nextInt(3) == 0) {
            read.subscription.giveBack(read.value);
        } else {
            received.writeBytes(read.value);
        }
    }

    private static void takeBuffer(
            Random random, StreamReaderWaitTest.Awaiting<ByteBuf> read, ByteArrayOutputStream received) {
        if (read.value == null) {
            read.subscription.requestCancel(null);
        } else if (random.nextInt(3) == 0) {
            read.subscription.giveBack(read.value);
        } else {
            write(read.value, received);
        }
    }

    private static void write(ByteBuf bytes, ByteArrayOutputStream received) {
        byte[] copy = new byte[bytes.readableBytes()];
        bytes.readBytes(copy).release();
        received.writeBytes(copy);
    }
}
