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

/** Errors of a peer, in the same words and types on every transport. */
final class PeerErrors {
    /** By number, too: epoll's messages are in the language of the system. 104 is Linux's, 54 that of the BSDs. */
    private static final Pattern RESET = Pattern.compile("connection reset|forcibly closed|error\\(-(104|54)\\)");

    private static final Pattern BROKEN_PIPE = Pattern.compile("broken pipe|error\\(-32\\)");
    private static final Pattern HEX = Pattern.compile("[0-9a-f]{2,}$");
    /** Of what a peer has sent instead of TLS so many bytes are told. */
    private static final int PREVIEW = 40;

    private PeerErrors() {}

    /**
     * The error as users get it.
     *
     * @param caught what came through the pipeline
     * @param connection whose it is, for the message
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

    private static Throwable caused(IOException translated, Throwable cause) {
        translated.initCause(cause);
        return translated;
    }

    /** Netty's decoders wrap what the engine throws. */
    private static Throwable unwrapped(Throwable error) {
        return error instanceof DecoderException && error.getCause() instanceof SSLException cause ? cause : error;
    }

    /** Netty tells all that has come, in hexadecimal; its beginning says more, and mostly is text. */
    private static Throwable notTls(NotSslRecordException garbage, Outgoing connection) {
        String begin = beginOfGarbage(garbage);
        if (begin == null) {
            return garbage;
        }
        return new NotSslRecordException("The peer does not speak TLS: it has sent \"" + begin + "\". "
                + (connection.isAccepted()
                        ? "It has connected to a port for TLS without TLS"
                        : "Connect to this port without TLS (or with startTls, when its protocol is at that point),"
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
                break; // a line tells enough
            }
            begin.append(c >= ' ' && c <= '~' ? String.valueOf(c) : String.format("\\x%02x", (int) c));
        }
        return begin.toString();
    }

    /** Whether it is what happens to every server: its peer has gone, in the middle of something. */
    static boolean isRoutine(Throwable error) {
        return error instanceof ConnectionResetException
                || error instanceof BrokenPipeException
                || error instanceof ExceptionGroup group
                        && group.exceptions().stream().allMatch(PeerErrors::isRoutine);
    }

    /** Itself, or the first in a group. */
    static Throwable firstOf(Throwable error) {
        return error instanceof ExceptionGroup group
                ? firstOf(group.exceptions().get(0))
                : error;
    }
}
