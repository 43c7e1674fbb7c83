package asyncio.streams;

import java.io.IOException;
import java.nio.charset.StandardCharsets;

/** Decides when a read is satisfied. It has no state, so that a read can be repeated. */
abstract class Until {
    /** Instead of a number of bytes: more bytes are needed. */
    static final int MORE = -1;
    /** Instead of a number of bytes: the stream has ended. */
    static final int OVER = -2;
    /** Instead of a number of bytes: see {@link #failure}. */
    static final int FAILED = -3;

    static final Until LINE = new Line();

    static final Until END = new Until("readAll") {
        @Override
        int decide(ReadBuffer buffer, boolean ended, int limit) {
            return ended ? buffer.size() : MORE;
        }
    };

    /** The name of the API method, for messages. */
    final String method;

    private Until(String method) {
        this.method = method;
    }

    /** Returns the number of bytes that a read gets now, or one of the constants. Takes nothing. */
    abstract int decide(ReadBuffer buffer, boolean ended, int limit);

    /** Returns the error with which the read fails, and drops the bytes that are lost with it. */
    IOException failure(ReadBuffer buffer, int limit, ReaderSource source) {
        throw new IllegalStateException(this + " cannot fail");
    }

    @Override
    public String toString() {
        return method + "()";
    }

    /** Takes the bytes that have arrived, at most {@code n}. */
    static Until some(int n) {
        return new Until("read") {
            @Override
            int decide(ReadBuffer buffer, boolean ended, int limit) {
                if (n > 0 && buffer.size() == 0) {
                    return ended ? OVER : MORE;
                }
                return Math.min(n, buffer.size());
            }
        };
    }

    /** Takes the piece at the head, without joining it with later ones, at most {@code n} bytes. */
    static Until piece(String method, int n) {
        return new Until(method) {
            @Override
            int decide(ReadBuffer buffer, boolean ended, int limit) {
                int size = buffer.headSize();
                return size > 0 ? Math.min(n, size) : ended ? OVER : MORE;
            }
        };
    }

    static Until exactly(int n) {
        return new Until("readExactly") {
            @Override
            int decide(ReadBuffer buffer, boolean ended, int limit) {
                return buffer.size() >= n ? n : ended ? FAILED : MORE;
            }

            @Override
            IOException failure(ReadBuffer buffer, int limit, ReaderSource source) {
                return new IncompleteReadException(buffer.take(buffer.size()), n, source);
            }
        };
    }

    static Until separator(Separators separators) {
        return new Separator("readUntil", separators);
    }

    /** asyncio's {@code readuntil}, rule by rule. */
    private static class Separator extends Until {
        final Separators separators;

        Separator(String method, Separators separators) {
            super(method);
            this.separators = separators;
        }

        @Override
        int decide(ReadBuffer buffer, boolean ended, int limit) {
            int end = buffer.find(separators);
            if (end >= 0) {
                return buffer.matchStart() > limit ? FAILED : end;
            }
            if (buffer.searchedWithout(separators) > limit) {
                return FAILED;
            }
            return ended ? atEnd(buffer) : MORE;
        }

        int atEnd(ReadBuffer buffer) {
            return FAILED;
        }

        @Override
        IOException failure(ReadBuffer buffer, int limit, ReaderSource source) {
            boolean found = buffer.find(separators) >= 0;
            int consumed = found ? buffer.matchStart() : buffer.searchedWithout(separators);
            return consumed > limit
                    ? overrun(buffer, found, consumed, limit, source)
                    : new IncompleteReadException(buffer.take(buffer.size()), -1, source);
        }

        LimitOverrunException overrun(ReadBuffer buffer, boolean found, int consumed, int limit, ReaderSource source) {
            return new LimitOverrunException(
                    (found
                                    ? "Separator is found, but the chunk before it is longer than the limit of "
                                    : "Separator is not found, and the data so far exceeds the limit of ")
                            + limit + " bytes: nothing was dropped. Use readExactly(" + consumed
                            + ") and continue, close the connection, or raise " + source.limitSetting()
                            + source.suffix(),
                    consumed);
        }
    }

    /** asyncio's {@code readline}: a line that is too long is dropped, and the last line needs no newline. */
    private static final class Line extends Separator {
        Line() {
            super("readLine", new Separators("\n".getBytes(StandardCharsets.US_ASCII)));
        }

        @Override
        int atEnd(ReadBuffer buffer) {
            return buffer.size() == 0 ? OVER : buffer.size();
        }

        @Override
        LimitOverrunException overrun(ReadBuffer buffer, boolean found, int consumed, int limit, ReaderSource source) {
            buffer.skip(found ? consumed + 1 : buffer.size());
            return new LimitOverrunException(
                    (found
                                    ? "Separator is found, but the line is longer than the limit of "
                                    : "Separator is not found, and the data so far exceeds the limit of ")
                            + limit + " bytes: raise " + source.limitSetting() + ", if such lines are legitimate"
                            + source.suffix(),
                    consumed);
        }
    }
}
