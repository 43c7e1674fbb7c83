package asyncio.streams;

import asyncio.EventLoop;
import asyncio.ExceptionContext;
import asyncio.Log;
import asyncio.streams.internal.PipeEnd;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufUtil;
import io.netty.buffer.Unpooled;
import java.nio.ByteBuffer;
import java.util.ArrayDeque;
import java.util.Deque;
import reactor.util.context.ContextView;

/**
 * Calls a protocol with the events of its transport, in the order that {@link BaseProtocol} promises: made, then data,
 * at most one end, lost once; pause and resume alternating. Everything here runs on the loop, so events are handled in
 * the order of their arrival.
 *
 * <p>Events that come while the protocol must not be called are held. While reading is paused, Netty may still deliver
 * bytes that it had already read, further pieces of one read that TLS has split, and on epoll all remaining bytes of a
 * peer that has closed.
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

    /** The received bytes that were not passed on yet, oldest first. */
    private final Deque<ByteBuf> held = new ArrayDeque<>();

    private volatile boolean eofCame;
    private boolean eofTold;
    private boolean lossCame;
    /** A call has failed, and was reported. */
    private boolean fatal;

    /** The last call was made, or there will be none. */
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

    /** Returns whether the connection was lost before {@code connectionMade}, so that the protocol is never called. */
    boolean isLostBeforeMade() {
        return lossCame && !made;
    }

    /**
     * Takes over from the reader of a connection that had a reader and a writer; the reader has received all events so
     * far.
     */
    void takeOver(Incoming reader) {
        made = true;
        readingPaused = reader.isPaused();
        eofCame = reader.ended();
        eofTold = eofCame;
        lossCame = handler.isLost();
        lossTold = lossCame;
    }

    /** Reports missed events to a reader that has become the protocol, and resumes reading for it. */
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

    /** Calls {@code connectionMade}, and starts reading unless the protocol has paused it. */
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

    @SuppressWarnings("unchecked") // checked() only accepts protocols for stream transports
    private void tellMade() {
        ((BaseProtocol<Transport>) protocol).connectionMade(transport);
    }

    // ---- incoming events

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

    /** Returns whether data is dropped: after the end, after the loss, or once this side has closed. */
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

    /** Passes bytes on piece by piece; in between, the protocol may pause, close, or be replaced. */
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

    /** Copies as much as fits into the protocol's buffer. */
    private static void lend(BufferedProtocol protocol, ByteBuf bytes) {
        ByteBuffer buffer = protocol.getBuffer(-1);
        if (buffer == null || !buffer.hasRemaining()) {
            throw new IllegalStateException("getBuffer() returned an empty buffer: " + buffer
                    + ". Clear a buffer before returning it again, or give it more room");
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

    /** A protocol is told when the connection is lost, which follows. */
    @Override
    public void truncate(Throwable truncation) {
        if (protocol instanceof StreamReaderProtocol reading) {
            reading.reader.truncate(truncation);
        }
    }

    /** Likewise; as in asyncio, the exception handler is told of a failed read of a pipe. */
    @Override
    public void fail(Throwable failure) {
        if (made && !fatal && out.channel instanceof PipeEnd pipe && pipe.reads() && !PeerErrors.isHangUp(failure)) {
            report("Fatal read error on pipe transport", failure);
        }
    }

    @Override
    public void connectionLost() {
        if (out.failure() == null
                && !out.closeRequested()
                && !loop.netty().isShuttingDown()
                && !(out.channel instanceof PipeEnd pipe && !pipe.reads())) {
            eofCame = true; // from the peer, on a channel without half-close, such as Netty's for Unix sockets on NIO
        }
        lossCame = true;
        tellHeld();
    }

    /** Passes on the held events, as far as allowed now. */
    private void tellHeld() {
        while (made && !readingPaused && !dropsData() && !held.isEmpty()) {
            tell(held.remove());
        }
        if (made && !readingPaused && held.isEmpty() && eofCame && !dropsData()) {
            eofTold = true;
            tellEof();
        }
        // as in CPython, where a reset goes unnoticed while a socket is not read: its data can be read first
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

    /** Drops the held bytes; the loss is reported in a later tick, if it has come. */
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
            out.requestClose(); // now the protocol may be told of the loss, although it is not reading
            closed();
        } else if (!writingPaused && !out.isClosing() && !handler.hasRoom()) {
            writingPaused = true;
            tellPace("pauseWriting", protocol::pauseWriting);
        }
    }

    /** Resumes in a later tick, since the room may have appeared during a write of the protocol. */
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

    /** Handles a failed call of the protocol. */
    private void fatal(String method, Throwable error) {
        fatal = true;
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
