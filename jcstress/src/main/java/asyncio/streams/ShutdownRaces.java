package asyncio.streams;

import static org.openjdk.jcstress.annotations.Expect.ACCEPTABLE;
import static org.openjdk.jcstress.annotations.Expect.FORBIDDEN;

import asyncio.Fixtures.IdleTask;
import asyncio.Future;
import io.netty.channel.embedded.EmbeddedChannel;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.Arbiter;
import org.openjdk.jcstress.annotations.Description;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.III_Result;
import org.openjdk.jcstress.infra.results.II_Result;
import reactor.core.publisher.Mono;
import reactor.util.context.Context;

/** Work that starts while a shutdown cuts off: it is refused, or it is cut off and waited for. */
public final class ShutdownRaces {
    /** Of a connection that is gone. Work on it counts nevertheless, and nothing is queued for its channel. */
    private static final StreamHandler GONE = gone();

    private ShutdownRaces() {}

    private static StreamHandler gone() {
        StreamHandler handler = new StreamHandler(new EmbeddedChannel(), StreamReader.DEFAULT_LIMIT, "a test");
        handler.writer().closed().trySetResult(null);
        return handler;
    }

    private record Member(StreamHandler stream) implements Drain.Member {
        @Override
        public Object transport() {
            return "a connection";
        }

        @Override
        public void closeOnceIdle() {}
    }

    @JCStressTest
    @Description("A task is made, and meanwhile all work is cut off. Figures: cancellations of the task; whether the "
            + "shutdown has ended before the task, and after it.")
    @Outcome(id = "1, 0, 1", expect = ACCEPTABLE, desc = "It was cut off, and waited for.")
    @Outcome(expect = FORBIDDEN, desc = "It was overlooked, cancelled twice, not waited for, or waited for in vain.")
    @State
    public static class StartAndCutOff {
        final Drain drain = new Drain("a test");
        final Member member = new Member(GONE);
        final IdleTask task = new IdleTask(Context.empty());
        final Future<Void> drained = new Future<>();

        public StartAndCutOff() {
            drain.starting(member);
            drain.begin(drained);
        }

        @Actor
        public void start() {
            drain.started(member, task);
            drain.finishIfDone();
        }

        @Actor
        public void cutOff() {
            drain.cutOff();
        }

        @Arbiter
        public void look(III_Result r) {
            r.r1 = task.cancelling();
            r.r2 = drained.done() ? 1 : 0;
            drain.ended(member, task);
            drain.finishIfDone();
            r.r3 = drained.done() ? 1 : 0;
        }
    }

    @JCStressTest
    @Description("Work without an end begins while the clients are shut down, with no grace period. Figures: whether "
            + "the work was refused (1) or cut off (2), and whether the shutdown ended.")
    @Outcome(id = "1, 1", expect = ACCEPTABLE, desc = "Shut down first.")
    @Outcome(id = "2, 1", expect = ACCEPTABLE, desc = "Begun first.")
    @Outcome(expect = FORBIDDEN, desc = "The work runs on, or the shutdown does not end.")
    @State
    public static class UseAndShutdown {
        final Clients clients = new Clients();
        volatile CompletableFuture<Object> work = new CompletableFuture<>();
        volatile CompletableFuture<List<Object>> shutdown = new CompletableFuture<>();

        @Actor
        public void use() {
            work = clients.use(GONE.connection(), connection -> Mono.never()).toFuture();
        }

        @Actor
        public void shutdown() {
            shutdown = clients.shutdown(Duration.ZERO).toFuture();
        }

        @Arbiter
        public void look(II_Result r) {
            r.r2 = end(shutdown.handle((cut, error) -> error == null ? 1 : 3));
            r.r1 = end(work.handle((value, error) -> {
                if (error instanceof IllegalStateException) {
                    return 1;
                }
                return error instanceof ConnectionAbortedException ? 2 : 3;
            }));
        }

        /** Returns the figure of an end, 3 if it was unexpected; 0 if there is none within ten seconds. */
        private static int end(CompletableFuture<Integer> future) {
            return future.completeOnTimeout(0, 10, TimeUnit.SECONDS).join();
        }
    }
}
