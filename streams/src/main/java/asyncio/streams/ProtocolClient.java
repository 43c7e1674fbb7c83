package asyncio.streams;

import asyncio.Activities;
import asyncio.Activity;
import asyncio.EventLoop;
import asyncio.Task;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import reactor.util.context.ContextView;

/** A client of {@link Transports#createServer}: a transport with a protocol. */
record ProtocolClient(StreamTransport transport, @Nullable Activity activity) implements ServerClient {

    /** Returns the acceptor for a server with this factory. */
    static Acceptor acceptor(EventLoop loop, Supplier<? extends BaseProtocol<Transport>> factory, ContextView context) {
        return accepted -> {
            Activity activity = Activities.begin(
                    loop, Activity.Kind.SERVER, accepted.channel().remoteAddress(), context);
            ContextView own = activity == null ? context : activity.getContext();
            try {
                BaseProtocol<Transport> protocol = StreamTransport.newProtocol(loop, factory, own);
                return new ProtocolClient(StreamTransport.of(accepted, loop, protocol, own), activity);
            } catch (Throwable e) {
                Activities.end(activity, e);
                throw e;
            }
        };
    }

    @Override
    public StreamHandler stream() {
        return transport.handler();
    }

    /** Does nothing: no task works on it, so it is closed at once. */
    @Override
    public void closeOnceIdle() {}

    @Override
    public @Nullable Task<Void> established() {
        transport.calls().connectionMade();
        return null;
    }
}
