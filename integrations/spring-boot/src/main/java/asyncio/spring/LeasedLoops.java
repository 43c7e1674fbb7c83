package asyncio.spring;

import asyncio.SharedLoops;
import java.time.Duration;
import org.apache.commons.logging.Log;
import org.apache.commons.logging.LogFactory;
import org.springframework.beans.factory.DisposableBean;

/**
 * The lease of the shared loops by one application context. It begins before the server starts, and lasts until the
 * context's beans are destroyed, after the last phase of its lifecycle: neither a restart of the context nor a pause
 * takes the loops from its beans. The end of the last context cancels the remaining tasks.
 *
 * @since 0.1
 */
public final class LeasedLoops implements DisposableBean {
    private static final Log LOG = LogFactory.getLog(LeasedLoops.class);

    private final Duration timeout;
    private final SharedLoops.Lease lease;

    LeasedLoops(Duration timeout) {
        if (timeout.isNegative()) {
            throw new IllegalArgumentException("asyncio.shutdown.timeout must not be negative: " + timeout);
        }
        this.timeout = timeout;
        this.lease = SharedLoops.lease();
    }

    /** Returns the loops. */
    public SharedLoops loops() {
        return lease.loops();
    }

    /** Releases the loops. Blocks until the tasks have ended, if no other context has leased them. */
    @Override
    public void destroy() {
        if (!lease.release(timeout)) {
            LOG.warn("Tasks were still running after asyncio.shutdown.timeout=" + timeout
                    + ", and were destroyed: they do not end when they are cancelled");
        }
    }
}
