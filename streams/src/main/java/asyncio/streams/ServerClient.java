package asyncio.streams;

import asyncio.Activity;
import asyncio.Task;
import org.jspecify.annotations.Nullable;
import reactor.netty.Connection;

/**
 * A connection accepted by a server, in one of two forms: a reader and a writer with a handler, or a transport with a
 * protocol. The server keeps it until it is gone. On the loop.
 */
interface ServerClient extends Drain.Member {
    /** Creates a client for an accepted connection, and adds its handler to the pipeline. */
    interface Acceptor {
        ServerClient accept(Connection accepted);
    }

    /** Returns its activity, reported to the loop's listeners until it is gone; null if nothing listens. */
    @Nullable Activity activity();

    /** Called once the connection is established, including TLS; returns the running handler, if there is one. */
    @Nullable Task<Void> established();
}
