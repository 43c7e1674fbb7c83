package asyncio.streams;

import io.netty.buffer.ByteBufAllocator;
import io.netty.util.concurrent.ImmediateEventExecutor;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Random;
import java.util.zip.CRC32;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Mono;

/**
 * Random programs of feeding and reading, which src/test/python/reader_programs.py runs on CPython. The steps, with
 * bytes in hexadecimal: {@code f6162} feeds, {@code e} ends the stream, {@code x} fails it, {@code c} cancels the
 * waiting read. The following read, unless a read is waiting: {@code l} a line, {@code r5} and {@code n5} at most and
 * exactly five bytes, {@code a} everything, {@code u61|6162} until a separator.
 */
final class ReaderPrograms {
    private static final String BYTES = "ab\n\r";

    private ReaderPrograms() {}

    /** Prints programs for CPython. */
    public static void main(String[] args) {
        for (int seed = 0; seed < Integer.parseInt(args[0]); seed++) {
            System.out.println(seed + " " + make(seed));
        }
    }

    /** The limit, then the steps. */
    static String make(long seed) {
        Random random = new Random(seed * 0x9E3779B97F4A7C15L);
        StringBuilder program = new StringBuilder().append(1 + random.nextInt(12));
        boolean bytewise = random.nextInt(4) == 0;
        int steps = 10 + random.nextInt(50);
        for (int i = 0; i < steps; i++) {
            program.append(' ').append(step(random, bytewise));
        }
        return program.append(" e a").toString();
    }

    private static String step(Random random, boolean bytewise) {
        return switch (random.nextInt(20)) {
            case 0, 1, 2, 3, 4, 5, 6, 7 -> "f" + bytes(random, bytewise ? 1 : 1 + random.nextInt(12));
            case 8, 9, 10 -> "l";
            case 11, 12 -> "r" + random.nextInt(10);
            case 13, 14 -> "n" + random.nextInt(15);
            case 15, 16, 17 -> "u" + separators(random);
            case 18 -> "l"; // not "a": on CPython a cancelled read(-1) loses the bytes it has collected
            default -> random.nextInt(30) == 0 ? "x" : random.nextInt(30) == 0 ? "e" : "c";
        };
    }

    private static String separators(Random random) {
        List<String> all = new ArrayList<>();
        for (int i = 1 + random.nextInt(3); i > 0; i--) {
            all.add(bytes(random, 1 + random.nextInt(4)));
        }
        return String.join("|", all);
    }

    private static String bytes(Random random, int n) {
        byte[] bytes = new byte[n];
        for (int i = 0; i < n; i++) {
            bytes[i] = (byte) BYTES.charAt(random.nextInt(BYTES.length()));
        }
        return HexFormat.of().formatHex(bytes);
    }

    /** Returns the result of each step, in order. */
    static String run(String program) {
        String[] steps = program.split(" ");
        Run run = new Run(Integer.parseInt(steps[0]));
        for (String step : Arrays.asList(steps).subList(1, steps.length)) {
            run.step(step);
        }
        run.reader.incoming().connectionLost();
        return run.log.toString();
    }

    static String crcOf(String log) {
        CRC32 crc = new CRC32();
        crc.update(log.getBytes(StandardCharsets.US_ASCII));
        return String.format("%08x", crc.getValue());
    }

    private static final class Run implements StreamReader.Flow {
        final StreamReader reader;
        final StringBuilder log = new StringBuilder();
        private StreamReaderWaitTest.@Nullable Awaiting<byte[]> waiting;
        private boolean line;
        private boolean ended;

        Run(int limit) {
            reader = new StreamReader(
                    new Incoming(ImmediateEventExecutor.INSTANCE, ByteBufAllocator.DEFAULT, limit, this), null);
        }

        @Override
        public void pauseReading() {}

        @Override
        public void resumeReading() {}

        void step(String step) {
            String argument = step.substring(1);
            switch (step.charAt(0)) {
                case 'f' -> {
                    if (!ended) {
                        byte[] bytes = HexFormat.of().parseHex(argument);
                        reader.incoming().feed(ByteBufAllocator.DEFAULT.buffer().writeBytes(bytes));
                    }
                }
                case 'e' -> {
                    ended = true;
                    reader.incoming().feedEof();
                }
                case 'x' -> reader.incoming().fail(new IOException("x"));
                case 'c' -> {
                    if (waiting != null) {
                        waiting.subscription.requestCancel(null);
                    }
                }
                default -> {
                    if (waiting == null) {
                        line = step.equals("l");
                        waiting = StreamReaderWaitTest.await(read(step.charAt(0), argument));
                    }
                }
            }
            if (waiting != null && waiting.isOver()) {
                log.append(outcome(waiting)).append(';');
                waiting = null;
            }
        }

        private Mono<byte[]> read(char kind, String argument) {
            return switch (kind) {
                case 'l' -> reader.readLine();
                case 'r' -> reader.read(Integer.parseInt(argument));
                case 'n' -> reader.readExactly(Integer.parseInt(argument));
                case 'a' -> reader.readAll();
                case 'u' ->
                    reader.readUntil(Arrays.stream(argument.split("\\|"))
                            .map(HexFormat.of()::parseHex)
                            .toArray(byte[][]::new));
                default -> throw new IllegalArgumentException(String.valueOf(kind));
            };
        }

        private String outcome(StreamReaderWaitTest.Awaiting<byte[]> read) {
            Throwable error = read.error;
            if (error == null) {
                return "=" + (read.value == null ? "" : HexFormat.of().formatHex(read.value));
            }
            if (error instanceof IncompleteReadException e) {
                return "I" + HexFormat.of().formatHex(e.partial()) + "," + e.expected();
            }
            if (error instanceof LimitOverrunException e) {
                return line ? "V" : "L" + e.consumed();
            }
            return error instanceof IOException ? "X" : "C";
        }
    }
}
