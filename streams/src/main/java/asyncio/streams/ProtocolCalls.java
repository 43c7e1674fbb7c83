package asyncio.streams;

import asyncio.EventLoop;
import asyncio.ExceptionContext;
import asyncio.Log;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufUtil;
import io.netty.buffer.Unpooled;
import java.nio.ByteBuffer;
import java.util.ArrayDeque;
import java.util.Deque;
import reactor.util.context.ContextView;

/**
 * Tells a protocol what happens to its transport, in the order that {@link BaseProtocol} promises: made, then data, at
 * most one end, lost once; pause and resume in turns. Everything here runs on the loop, so that what comes first has
 * won.
 *
 * <p>Events that come while the protocol must not be told are held: while reading is paused, Netty may bring what it
 * had read already, the pieces that TLS makes of one, and on epoll all that is left of a peer that has gone.
 */
final class ProtocolCalls implements Inbound {
    private final StreamTransport transport;
    private final StreamHandler handler;
    private final Outgoing out;
    private final EventLoop loop;
    private final ContextView context;

    private volatile BaseProtocol<?> protocol;
    private volatile boolean readingPaused;

    private boolean made;
    private boolean writingPaused;
    /** {@link #resumeIfRoom} will run. */
    private boolean resumeIsDue;

    /** The bytes that have come and were not passed on yet, oldest first. */
    private final Deque<ByteBuf> held = new ArrayDeque<>();

    private volatile boolean eofCame;
    private boolean eofTold;
    private boolean lossCame;
    /** The last of all calls was made, or there will be none. */
    private boolean lossTold;

    ProtocolCalls(
            StreamTransport transport,
            StreamHandler handler,
            EventLoop loop,
            BaseProtocol<?> protocol,
            ContextView context) {
        this.transport = transport;
        this.handler = handler;
        this.out = handler.writer();
        this.loop = loop;
        this.context = context;
        this.protocol = checked(protocol);
    }

    static BaseProtocol<?> checked(BaseProtocol<?> protocol) {
        if (protocol instanceof Protocol || protocol instanceof BufferedProtocol) {
            return protocol;
        }
        throw new IllegalArgumentException(
                "The protocol of a stream must be a Protocol or a BufferedProtocol, not " + protocol);
    }

    BaseProtocol<?> protocol() {
        return protocol;
    }

    void setProtocol(BaseProtocol<?> protocol) {
        this.protocol = checked(protocol);
    }

    /** Whether the connection was lost before the protocol was told of it: it never will be. */
    boolean isLostBeforeMade() {
        return lossCame && !made;
    }

    /** The reader was told before of what came; on a connection that was one of a reader and a writer. */
    void takeOver(Incoming reader) {
        made = true;
        readingPaused = reader.isPaused();
        eofCame = reader.ended();
        eofTold = eofCame;
        lossCame = handler.isLost();
        lossTold = lossCame;
    }

    /** Tells a reader that has become the protocol what it has missed, and reads for it. */
    void catchUp(StreamReaderProtocol reader) {
        if (protocol == reader && lossTold) {
            reader.connectionLost(out.failure());
        } else if (protocol == reader) {
            if (eofTold) {
                reader.eofReceived();
            }
            resumeReading();
        }
    }

    /** Tells the protocol of its transport, and begins to read unless it has paused that. */
    void connectionMade() {
        made = true;
        try {
            loop.runInContext(this::tellMade, context);
        } catch (Throwable e) {
            fatal("connectionMade", e);
        }
        if (!readingPaused) {
            handler.read(true);
        }
        tellHeld();
    }

    @SuppressWarnings("unchecked") // checked() lets those in only which are of transports for streams
    private void tellMade() {
        ((BaseProtocol<Transport>) protocol).connectionMade(transport);
    }

    // ---- what comes

    /** Nothing is read before {@link #connectionMade}. */
    @Override
    public void attached() {}

    @Override
    public void feed(ByteBuf bytes) {
        if (dropsData() || !bytes.isReadable()) {
            bytes.release();
        } else if (!made || readingPaused || !held.isEmpty()) {
            held.add(bytes);
        } else {
            tell(bytes);
        }
    }

    /** Closed, by this side: nothing more is received. */
    private boolean dropsData() {
        return eofTold || lossTold || out.closeRequested();
    }

    private void tell(ByteBuf bytes) {
        if (protocol instanceof Protocol plain && !(plain instanceof BufferedProtocol)) {
            tellPlain(plain, bytes);
        } else {
            tellBuffered(bytes);
        }
    }

    private void tellPlain(Protocol protocol, ByteBuf bytes) {
        try {
            loop.runInContext(() -> protocol.dataReceivedRetained(bytes), context);
        } catch (Throwable e) {
            fatal("dataReceived", e);
        }
    }

    /** Piece by piece, in between of which the protocol may pause, close, or be changed. */
    private void tellBuffered(ByteBuf bytes) {
        try {
            while (bytes.isReadable() && !dropsData()) {
                if (readingPaused) {
                    held.addFirst(bytes.retain());
                    return;
                }
                if (!(protocol instanceof BufferedProtocol buffered)) {
                    tellPlain((Protocol) protocol, bytes.retain());
                    return;
                }
                loop.runInContext(() -> lend(buffered, bytes), context);
            }
        } catch (Throwable e) {
            fatal("getBuffer() or protocol.bufferUpdated", e);
        } finally {
            bytes.release();
        }
    }

    /** Copies as much as fits into a buffer of the protocol's. */
    private static void lend(BufferedProtocol protocol, ByteBuf bytes) {
        ByteBuffer buffer = protocol.getBuffer(-1);
        if (buffer == null || !buffer.hasRemaining()) {
            throw new IllegalStateException("getBuffer() returned an empty buffer: " + buffer
                    + ". Clear one before it is lent again, or give it more room");
        }
        int n = Math.min(bytes.readableBytes(), buffer.remaining());
        int limit = buffer.limit();
        buffer.limit(buffer.position() + n);
        bytes.readBytes(buffer);
        buffer.limit(limit);
        protocol.bufferUpdated(n);
    }

    @Override
    public void feedEof() {
        eofCame = true;
        tellHeld();
    }

    @Override
    public boolean ended() {
        return eofCame;
    }

    /** A protocol is told of it when the connection is lost, which follows. */
    @Override
    public void truncate(Throwable truncation) {
        if (protocol instanceof StreamReaderProtocol reading) {
            reading.reader.truncate(truncation);
        }
    }

    /** Likewise. */
    @Override
    public void fail(Throwable failure) {}

    @Override
    public void connectionLost() {
        if (out.failure() == null && !out.closeRequested() && !loop.netty().isShuttingDown()) {
            eofCame = true; // the peer's, of a channel that knows no half-close, as Netty's of Unix sockets on NIO
        }
        lossCame = true;
        tellHeld();
    }

    /** Tells what was held, as far as may be told now. */
    private void tellHeld() {
        while (made && !readingPaused && !dropsData() && !held.isEmpty()) {
            tell(held.remove());
        }
        if (made && !readingPaused && held.isEmpty() && eofCame && !dropsData()) {
            eofTold = true;
            tellEof();
        }
        // as in CPython, where a socket that is not read does not tell that it was reset: its data can be had before
        boolean waitsForReader =
                made && !held.isEmpty() && !dropsData() && !loop.netty().isShuttingDown();
        if (lossCame && !lossTold && !waitsForReader) {
            lossTold = true;
            releaseHeld();
            if (made) {
                tellLost();
            }
        }
    }

    private void releaseHeld() {
        for (ByteBuf next; (next = held.poll()) != null; ) {
            next.release();
        }
    }

    private void tellEof() {
        boolean[] keepOpen = {false};
        try {
            BaseProtocol<?> protocol = this.protocol;
            loop.runInContext(
                    () -> keepOpen[0] = protocol instanceof BufferedProtocol buffered
                            ? buffered.eofReceived()
                            : ((Protocol) protocol).eofReceived(),
                    context);
        } catch (Throwable e) {
            fatal("eofReceived", e);
            return;
        }
        if (keepOpen[0] && handler.tls() != null) {
            Log.warn(
                    "Returning true from eofReceived() has no effect with TLS, which ends both directions: " + out,
                    null);
        }
        if (!keepOpen[0] || handler.tls() != null) {
            transport.close();
        }
    }

    private void tellLost() {
        try {
            loop.runInContext(() -> protocol.connectionLost(out.failure()), context);
        } catch (Throwable e) {
            report("Fatal error: protocol.connectionLost() call failed.", e);
        }
    }

    // ---- the pace of reading

    boolean isReading() {
        return !readingPaused && !out.isClosing();
    }

    void pauseReading() {
        if (!readingPaused && !out.closeRequested()) {
            readingPaused = true;
            handler.read(false);
        }
    }

    void resumeReading() {
        if (readingPaused && !out.closeRequested()) {
            readingPaused = false;
            handler.read(true);
            if (!held.isEmpty() || eofCame) {
                later(this::tellHeld); // not on the stack of the protocol
            }
        }
    }

    private void later(Runnable step) {
        loop.netty().execute(step);
    }

    /** Drops the held bytes; the loss is told later, if it has come. */
    @Override
    public void closed() {
        if (lossCame && !lossTold) {
            later(this::tellHeld);
        }
    }

    // ---- the pace of writing

    @Override
    public void wrote() {
        if (lossCame) {
            out.requestClose(); // now the protocol may know that the connection is lost, though it does not read
            closed();
        } else if (!writingPaused && !out.isClosing() && !handler.hasRoom()) {
            writingPaused = true;
            tellPace("pauseWriting", protocol::pauseWriting);
        }
    }

    /** In a turn of its own, since the room may have come under a write of the protocol's. */
    @Override
    public void writable() {
        if (writingPaused && !resumeIsDue && !lossCame) {
            resumeIsDue = true;
            later(this::resumeIfRoom);
        }
    }

    private void resumeIfRoom() {
        resumeIsDue = false;
        if (writingPaused && !lossTold && (handler.hasRoom() || !out.channel.isOpen())) { // or all was sent and closed
            writingPaused = false;
            tellPace("resumeWriting", protocol::resumeWriting);
        }
    }

    /** As in asyncio, an error here leaves the transport open. */
    private void tellPace(String method, Runnable call) {
        try {
            loop.runInContext(call, context);
        } catch (Throwable e) {
            report("protocol." + method + "() failed", e);
        }
    }

    // ---- errors

    /** A call of the protocol has failed. */
    private void fatal(String method, Throwable error) {
        try {
            report("Fatal error: protocol." + method + "() call failed.", error);
        } finally {
            out.requestClose();
            handler.abort(error);
        }
    }

    private void report(String message, Throwable error) {
        loop.callExceptionHandler(ExceptionContext.of(message)
                .exception(error)
                .transport(transport)
                .protocol(protocol)
                .build());
    }

    // ---- TLS

    @Override
    public byte[] takeForTls(boolean server) {
        if (protocol instanceof StreamReaderProtocol reading) {
            for (ByteBuf next; (next = held.poll()) != null; ) {
                reading.reader.feed(next);
            }
            return reading.reader.takeForTls(server);
        }
        ByteBuf all = Unpooled.wrappedBuffer(held.toArray(ByteBuf[]::new));
        byte[] early = ByteBufUtil.getBytes(all);
        TlsLayer.checkEarly(early, server);
        releaseHeld();
        return early;
    }

    @Override
    public void returnFromTls(byte[] early) {
        if (protocol instanceof StreamReaderProtocol reading) {
            reading.reader.returnFromTls(early);
        } else if (early.length > 0) {
            held.addFirst(Unpooled.wrappedBuffer(early));
        }
    }
}
