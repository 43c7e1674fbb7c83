package asyncio.streams;

import asyncio.Task;
import org.jspecify.annotations.Nullable;
import reactor.netty.Connection;

/**
 * A connection that a server has accepted, and what becomes of it: a reader and a writer that are handled, or a
 * transport with a protocol. The server holds it until it is gone. On the loop.
 */
interface ServerClient {
    /** Makes a client of what was accepted, and puts its handler into the pipeline. */
    interface Acceptor {
        ServerClient accept(Connection accepted);
    }

    StreamHandler stream();

    /** The connection is there, and encrypted if that was asked for; returns the handler, if there is one that runs. */
    @Nullable Task<Void> established();

    /** Returns the object that stands for it in the exception handler. */
    Object transport();
}
