import static asyncio.Asyncio.*
import asyncio.*
import asyncio.bridge.*
import asyncio.queue.*
import asyncio.queue.Queue
import asyncio.streams.*
import asyncio.subprocess.*
import asyncio.sync.*
import reactor.core.publisher.*
import java.time.Duration
import static java.time.Duration.*
import java.util.*
BlockingPortal portal = BlockingPortal.start()
<T> T await(Mono<T> mono) throws Exception {
    if (EventLoop.runningOrNull() != null) return Asyncio.await(mono);     // in a body
    var result = portal.submit(mono);
    try {
        return result.get();
    } catch (java.util.concurrent.ExecutionException e) {
        if (e.getCause() instanceof Exception cause) throw cause;
        throw e;
    } finally {
        result.cancel(true);                                               // Ctrl-C stops this thread
    }
}
