package asyncio;

import static org.openjdk.jcstress.annotations.Expect.ACCEPTABLE;
import static org.openjdk.jcstress.annotations.Expect.FORBIDDEN;

import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;
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

/** A {@link Suspension} as the wait of a body: granted, cancelled and abandoned by several threads at a time. */
public final class BodyWaitRaces {
    private static final Integer VALUE = 42;

    private BodyWaitRaces() {}

    /** A source of one value, which counts the values given back. */
    private static final class Source extends Suspension<Integer> {
        final AtomicInteger givenBack = new AtomicInteger();
        final AtomicInteger left = new AtomicInteger();

        Source(BodyTask<?> body) {
            super(body.subscriber(), null, null);
        }

        @Override
        protected boolean begin() {
            return false;
        }

        void grantIt() {
            if (grant(VALUE)) {
                deliver();
            }
        }

        @Override
        protected void leave() {
            left.incrementAndGet();
        }

        @Override
        public void giveBack(@Nullable Integer value) {
            givenBack.incrementAndGet();
        }

        @Override
        protected String target() {
            return "a value";
        }
    }

    private abstract static class Waiting {
        final BodyTask<Integer> body =
                new BodyTask<>(Fixtures.NO_LOOP, Mono.never(), () -> VALUE, "body", Context.empty());
        final Source source = new Source(body);

        Waiting() {
            source.beginToWait();
            body.suspendOn(source);
        }

        /** Returns the value with which the body resumes, or 0 if it was cancelled. */
        final int resume() {
            try {
                Integer value = source.outcome(body.wakeUp());
                return value == null ? -1 : value;
            } catch (CancelledException e) {
                return 0;
            } catch (Exception e) {
                return -2;
            }
        }
    }

    @JCStressTest
    @Description("A body is cancelled while the value that it waits for is granted.")
    @Outcome(id = "0, 0, 1", expect = ACCEPTABLE, desc = "The cancellation was first: the source is left.")
    @Outcome(id = "0, 1, 0", expect = ACCEPTABLE, desc = "The grant was first, and the value goes back.")
    @Outcome(expect = FORBIDDEN, desc = "The value is lost, or with two owners.")
    @State
    public static class GrantAndCancel extends Waiting {
        @Actor
        public void grant() {
            source.grantIt();
        }

        @Actor
        public void cancel() {
            body.cancel();
        }

        @Arbiter
        public void look(III_Result r) {
            r.r1 = resume();
            r.r2 = source.givenBack.get();
            r.r3 = source.left.get();
        }
    }

    @JCStressTest
    @Description("The loop closes while the value that a body waits for is granted.")
    @Outcome(id = "0, 1", expect = ACCEPTABLE, desc = "The close was first: the source is left.")
    @Outcome(id = "1, 0", expect = ACCEPTABLE, desc = "The grant was first, and the value goes back.")
    @Outcome(expect = FORBIDDEN, desc = "The value is lost, or comes back twice.")
    @State
    public static class GrantAndAbandon extends Waiting {
        @Actor
        public void grant() {
            source.grantIt();
        }

        @Actor
        public void close() {
            body.abandonWait();
        }

        @Arbiter
        public void look(II_Result r) {
            r.r1 = source.givenBack.get();
            r.r2 = source.left.get();
        }
    }
}
