package asyncio.streams;

import asyncio.Flight;
import asyncio.Log;
import java.net.InetAddress;
import java.net.SocketAddress;
import java.net.UnknownHostException;
import java.util.Arrays;
import java.util.stream.Collectors;
import javax.net.ssl.SSLSession;
import jdk.jfr.Category;
import jdk.jfr.Event;
import jdk.jfr.Label;
import jdk.jfr.Name;
import jdk.jfr.StackTrace;
import jdk.jfr.Threshold;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Mono;

/**
 * The flight recorder events of connections; to be used only if {@link Flight#PRESENT}. Events that begin and end in
 * different places are returned as objects, null if they are not recorded.
 */
@SuppressWarnings("unused") // the recorder reads the fields of events
final class StreamEvents {
    private static final String DONE = "done";
    private static final Connect CONNECT = new Connect();
    private static final Accept ACCEPT = new Accept();
    private static final TlsHandshake TLS_HANDSHAKE = new TlsHandshake();

    private StreamEvents() {}

    /** Records an attempt to connect, if the event is enabled when this is called. */
    static <T> Mono<T> connecting(Mono<T> connect, SocketAddress address) {
        if (!CONNECT.isEnabled()) {
            return connect;
        }
        return Mono.defer(() -> {
            Connect event = new Connect();
            event.address = address.toString();
            event.begin();
            return connect.doOnSuccess(connected -> end(event, DONE))
                    .doOnError(error -> end(event, Log.text(error)))
                    .doOnCancel(() -> end(event, "cancelled"));
        });
    }

    private static void end(OfSocket event, String outcome) {
        event.outcome = outcome;
        event.commit();
    }

    static @Nullable Object accepted(@Nullable SocketAddress remote) {
        if (!ACCEPT.isEnabled()) {
            return null;
        }
        Accept event = new Accept();
        event.address = String.valueOf(remote);
        event.begin();
        return event;
    }

    static @Nullable Object handshakeBegins(@Nullable SocketAddress remote) {
        if (!TLS_HANDSHAKE.isEnabled()) {
            return null;
        }
        TlsHandshake event = new TlsHandshake();
        event.address = String.valueOf(remote);
        event.begin();
        return event;
    }

    static void handshakeEnds(Object begun, SSLSession session, @Nullable Throwable error) {
        TlsHandshake event = (TlsHandshake) begun;
        if (error == null) {
            event.protocol = session.getProtocol();
            event.cipher = session.getCipherSuite();
        }
        ended(event, error);
    }

    static void ended(Object begun, @Nullable Throwable error) {
        end((OfSocket) begun, error == null ? DONE : Log.text(error));
    }

    static void listening(SocketAddress address, int backlog) {
        Listen event = new Listen();
        event.address = address.toString();
        event.backlog = backlog;
        event.commit();
    }

    /** Resolves a name. Blocks. */
    static InetAddress[] lookUp(String host) throws UnknownHostException {
        NameLookup event = new NameLookup();
        event.host = host;
        event.begin();
        try {
            InetAddress[] found = InetAddress.getAllByName(host);
            event.outcome = DONE;
            if (event.isEnabled()) {
                event.addresses =
                        Arrays.stream(found).map(InetAddress::getHostAddress).collect(Collectors.joining(" "));
            }
            return found;
        } catch (UnknownHostException e) {
            event.outcome = Log.text(e);
            throw e;
        } finally {
            event.commit();
        }
    }

    /** Resolves the name of an address. Blocks. */
    static String lookUp(InetAddress address) {
        NameLookup event = new NameLookup();
        event.addresses = address.getHostAddress();
        event.begin();
        String name = address.getHostName();
        event.host = name;
        event.outcome = DONE;
        event.commit();
        return name;
    }

    // ---- the events

    @Category("asyncio")
    @StackTrace(false)
    private abstract static class OfSocket extends Event {
        @Label("Address")
        @Nullable String address;

        @Label("Outcome")
        @Nullable String outcome;
    }

    @Name("asyncio.Connect")
    @Label("Connect")
    @Threshold("20 ms")
    private static final class Connect extends OfSocket {}

    @Name("asyncio.Accept")
    @Label("Accept")
    @Threshold("20 ms")
    private static final class Accept extends OfSocket {}

    @Name("asyncio.TlsHandshake")
    @Label("TLS Handshake")
    @Threshold("20 ms")
    private static final class TlsHandshake extends OfSocket {
        @Label("Protocol")
        @Nullable String protocol;

        @Label("Cipher Suite")
        @Nullable String cipher;
    }

    @Name("asyncio.Listen")
    @Label("Listen")
    @Category("asyncio")
    @StackTrace(false)
    private static final class Listen extends Event {
        @Label("Address")
        @Nullable String address;

        @Label("Backlog")
        int backlog;
    }

    @Name("asyncio.NameLookup")
    @Label("Name Lookup")
    @Category("asyncio")
    @StackTrace(false)
    @Threshold("20 ms")
    private static final class NameLookup extends Event {
        @Label("Host")
        @Nullable String host;

        @Label("Outcome")
        @Nullable String outcome;

        @Label("Addresses")
        @Nullable String addresses;
    }
}
