package asyncio.internal.loop;

import static org.openjdk.jcstress.annotations.Expect.ACCEPTABLE;
import static org.openjdk.jcstress.annotations.Expect.FORBIDDEN;

import io.netty.channel.IoHandle;
import io.netty.channel.IoHandler;
import io.netty.channel.IoHandlerContext;
import io.netty.channel.IoRegistration;
import io.netty.util.concurrent.Ticker;
import java.util.concurrent.atomic.AtomicInteger;
import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.Arbiter;
import org.openjdk.jcstress.annotations.Description;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.II_Result;
import org.openjdk.jcstress.infra.results.I_Result;
import reactor.util.concurrent.Queues;

/** A loop that closes while other threads hand it entries: each waiter is notified once, on one thread or the other. */
public final class LoopCloseRaces {
    private LoopCloseRaces() {}

    private static LoopCore silentLoop() {
        return new LoopCore(
                executor -> new NoIo(),
                Ticker.systemTicker(),
                0,
                Queues.<Runnable>unboundedMultiproducer().get(),
                new Silent(),
                null);
    }

    private static final class Silent implements LoopObserver {
        @Override
        public void entered() {}

        @Override
        public void failed(Runnable entry, Exception e) {
            throw new IllegalStateException(e);
        }

        @Override
        public void failedAtClose(Object what, RuntimeException e) {
            throw e;
        }

        @Override
        public boolean measures() {
            return false;
        }

        @Override
        public void step(Object what, long nanos) {}

        @Override
        public void io(long nanos) {}

        @Override
        public void late(long nanos) {}
    }

    private static final class NoIo implements IoHandler {
        @Override
        public int run(IoHandlerContext context) {
            return 0;
        }

        @Override
        public void wakeup() {}

        @Override
        public IoRegistration register(IoHandle handle) {
            throw new UnsupportedOperationException();
        }

        @Override
        public boolean isCompatible(Class<? extends IoHandle> type) {
            return false;
        }
    }

    /** Counts the notifications that its loop has closed. */
    private static final class Told extends Entry {
        final AtomicInteger times = new AtomicInteger();

        @Override
        public void run() {
            times.addAndGet(100); // no thread runs this loop
        }

        @Override
        protected void loopClosed() {
            times.incrementAndGet();
        }

        /** Resumes like a waiter on a loop. */
        void resumeOn(LoopCore core) {
            if (!core.enqueue(this)) {
                loopClosed();
            }
        }
    }

    @JCStressTest
    @Description("A waiter is handed to a loop that closes.")
    @Outcome(id = "1", expect = ACCEPTABLE, desc = "Told once.")
    @Outcome(expect = FORBIDDEN, desc = "Left hanging, or told twice.")
    @State
    public static class EnqueueAndClose {
        final LoopCore core = silentLoop();
        final Told waiter = new Told();

        @Actor
        public void enqueue() {
            waiter.resumeOn(core);
        }

        @Actor
        public void close() {
            core.close();
        }

        @Arbiter
        public void look(I_Result r) {
            r.r1 = waiter.times.get();
        }
    }

    @JCStressTest
    @Description("Two in a row are handed to a loop that closes: the second may find the first in the inbox.")
    @Outcome(id = "1, 1", expect = ACCEPTABLE, desc = "Both told once.")
    @Outcome(expect = FORBIDDEN, desc = "One left hanging, or told twice.")
    @State
    public static class EnqueueTwiceAndClose {
        final LoopCore core = silentLoop();
        final Told one = new Told();
        final Told other = new Told();

        @Actor
        public void enqueue() {
            one.resumeOn(core);
            other.resumeOn(core);
        }

        @Actor
        public void close() {
            core.close();
        }

        @Arbiter
        public void look(II_Result r) {
            r.r1 = one.times.get();
            r.r2 = other.times.get();
        }
    }
}
