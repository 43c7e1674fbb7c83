package asyncio.streams;

import asyncio.ExceptionGroup;
import asyncio.Log;
import io.netty.handler.codec.DecoderException;
import io.netty.handler.ssl.NotSslRecordException;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.HexFormat;
import java.util.Locale;
import java.util.regex.Pattern;
import javax.net.ssl.SSLException;
import org.jspecify.annotations.Nullable;

/** Maps errors caused by a peer to the same types and messages on every transport. */
final class PeerErrors {
    /** Also matches error numbers, since epoll's messages are localized: 104 on Linux, 54 on the BSDs. */
    private static final Pattern RESET = Pattern.compile("connection reset|forcibly closed|error\\(-(104|54)\\)");

    private static final Pattern BROKEN_PIPE = Pattern.compile("broken pipe|error\\(-32\\)");
    /** EIO, with which a terminal that was hung up is read. */
    private static final Pattern HANG_UP = Pattern.compile("input/output error|error\\(-5\\)");

    private static final Pattern HEX = Pattern.compile("[0-9a-f]{2,}$");
    /** The number of bytes shown of the data that a peer has sent instead of TLS. */
    private static final int PREVIEW = 40;

    private PeerErrors() {}

    /**
     * Returns the error as reported to users.
     *
     * @param caught the error from the pipeline
     * @param connection the connection, for the message
     */
    static Throwable translated(Throwable caught, Outgoing connection) {
        Throwable error = unwrapped(caught);
        if (error instanceof NotSslRecordException garbage) {
            return notTls(garbage, connection);
        }
        String text = Log.message(error);
        if (!(error instanceof IOException) || error instanceof SSLException || isRoutine(error) || text == null) {
            return error;
        }
        String message = text.toLowerCase(Locale.ROOT);
        if (RESET.matcher(message).find()) {
            return caused(new ConnectionResetException("Connection reset by peer: " + connection.peers()), error);
        }
        if (BROKEN_PIPE.matcher(message).find()) {
            return caused(
                    new BrokenPipeException("Broken pipe: the peer of " + connection.peers() + " has stopped reading"),
                    error);
        }
        return error;
    }

    /** Returns whether it is the hang-up of a terminal, which is its usual end. */
    static boolean isHangUp(Throwable error) {
        String text = Log.message(error);
        return error instanceof IOException
                && text != null
                && HANG_UP.matcher(text.toLowerCase(Locale.ROOT)).find();
    }

    private static Throwable caused(IOException translated, Throwable cause) {
        translated.initCause(cause);
        return translated;
    }

    /** Unwraps errors of the TLS engine, which Netty's decoders wrap. */
    private static Throwable unwrapped(Throwable error) {
        return error instanceof DecoderException && error.getCause() instanceof SSLException cause ? cause : error;
    }

    /**
     * Replaces Netty's message, which has all received bytes in hexadecimal, by the first few bytes, which are mostly
     * text.
     */
    private static Throwable notTls(NotSslRecordException garbage, Outgoing connection) {
        String begin = beginOfGarbage(garbage);
        if (begin == null) {
            return garbage;
        }
        return new NotSslRecordException("The peer does not speak TLS: it has sent \"" + begin + "\". "
                + (connection.isAccepted()
                        ? "It has connected without TLS to a port for TLS"
                        : "Connect to this port without TLS (or with startTls, once its protocol is at that point),"
                                + " or choose its port for TLS")
                + ": " + connection.peers());
    }

    private static @Nullable String beginOfGarbage(NotSslRecordException garbage) {
        var hex = HEX.matcher(String.valueOf(garbage.getMessage()));
        if (!hex.find()) {
            return null;
        }
        String digits = hex.group().substring(0, Math.min(hex.group().length() / 2, PREVIEW) * 2);
        StringBuilder begin = new StringBuilder();
        for (char c : new String(HexFormat.of().parseHex(digits), StandardCharsets.ISO_8859_1).toCharArray()) {
            if (c == '\r' || c == '\n') {
                break; // the first line is enough
            }
            begin.append(c >= ' ' && c <= '~' ? String.valueOf(c) : String.format("\\x%02x", (int) c));
        }
        return begin.toString();
    }

    /** Returns whether it is an error that every server sees: a peer has gone away. */
    static boolean isRoutine(Throwable error) {
        return error instanceof ConnectionResetException
                || error instanceof BrokenPipeException
                || error instanceof ExceptionGroup group
                        && group.exceptions().stream().allMatch(PeerErrors::isRoutine);
    }

    /** Returns the error itself, or the first one of a group. */
    static Throwable firstOf(Throwable error) {
        return error instanceof ExceptionGroup group
                ? firstOf(group.exceptions().get(0))
                : error;
    }
}
