package asyncio.streams;

import asyncio.EventLoop;
import asyncio.Task;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import reactor.util.context.ContextView;

/** A client of {@link Transports#createServer}: a transport with a protocol. */
record ProtocolClient(StreamTransport transport) implements ServerClient {

    /** Returns the acceptor for a server with this factory. */
    static Acceptor acceptor(EventLoop loop, Supplier<? extends BaseProtocol<Transport>> factory, ContextView context) {
        return accepted -> new ProtocolClient(
                StreamTransport.of(accepted, loop, StreamTransport.newProtocol(loop, factory, context), context));
    }

    @Override
    public StreamHandler stream() {
        return transport.handler();
    }

    @Override
    public @Nullable Task<Void> established() {
        transport.calls().connectionMade();
        return null;
    }
}
