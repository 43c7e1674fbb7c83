package asyncio.internal.loop;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.fail;

import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class NextTest {
    private final Body body = new Body();

    @Test
    void aBodyWhoseOwnWakeUpIsNextKeepsTheLoop() {
        Entry wait = body.waitsFor(new Known(body, null, true));
        assertThat(Next.of(wait, wait)).isSameAs(Next.OWN);
        Runnable plain = () -> {};
        assertThat(Next.of(plain, plain)).isSameAs(Next.OWN);
    }

    @Test
    void aBodyThatHasEndedKeepsNothing() {
        assertThat(Next.of(body.waitsFor(new Known(body, null, true)), null)).isSameAs(Next.BODY);
        assertThat(Next.of(() -> {}, null)).isSameAs(Next.DRIVER);
    }

    @Test
    void aWaitIsForItsBody() {
        Entry own = new Known(new Body(), null, true);
        assertThat(Next.of(body.waitsFor(new Known(body, null, true)), own)).isSameAs(Next.BODY);
        assertThat(Next.of(body.waitsFor(new Known(body, null, false)), own)).isSameAs(Next.BODY);
    }

    @Test
    void aWaitThatItsBodyHasLeftIsForNobody() {
        Entry left = new Known(body, null, true);
        body.waitsFor(new Known(body, null, true));
        assertThat(Next.of(left, null)).isSameAs(Next.NOBODY);
    }

    @Test
    void aFirstStepIsForANewThread() {
        assertThat(Next.of(new Known(null, body, true), null)).isSameAs(Next.START);
        assertThat(Next.of(new Known(null, body, false), null)).isSameAs(Next.START);
    }

    @Test
    void onlyWhatIsOfThisLibraryRunsOnTheThreadOfABody() {
        assertThat(Next.of(new Known(null, null, true), null)).isSameAs(Next.INTERNAL);
        assertThat(Next.of(new Known(null, null, false), null)).isSameAs(Next.DRIVER);
        assertThat(Next.of(() -> {}, new Known(body, null, true))).isSameAs(Next.DRIVER);
    }

    @ParameterizedTest
    @CsvSource({"true, true, RUNNER", "true, false, RUNNER", "false, true, RUNNER", "false, false, DRIVER"})
    void onlyTheRunnerSleepsAndEndsTheRun(boolean mustReturn, boolean idle, Next expected) {
        assertThat(Next.ofNone(mustReturn, idle)).isSameAs(expected);
    }

    /** An entry that answers what it is told, and is only asked. */
    private static final class Known extends Entry {
        private final @Nullable Seated resumes;
        private final @Nullable Seated starts;
        private final boolean internal;

        Known(@Nullable Seated resumes, @Nullable Seated starts, boolean internal) {
            this.resumes = resumes;
            this.starts = starts;
            this.internal = internal;
        }

        @Override
        protected @Nullable Seated resumes() {
            return resumes;
        }

        @Override
        protected @Nullable Seated starts() {
            return starts;
        }

        @Override
        protected boolean isInternal() {
            return internal;
        }

        @Override
        public void run() {
            fail("only asked");
        }

        @Override
        protected void loopClosed() {
            fail("only asked");
        }
    }

    /** A body that is only asked what it waits for. */
    private static final class Body implements Seated {
        private @Nullable Runnable waiting;

        Entry waitsFor(Entry wait) {
            waiting = wait;
            return wait;
        }

        @Override
        public boolean isWaitingFor(Runnable entry) {
            return waiting == entry;
        }

        @Override
        public @Nullable Seat seat() {
            return fail("only asked");
        }

        @Override
        public void setSeat(@Nullable Seat seat) {
            fail("only asked");
        }

        @Override
        public boolean mayBegin() {
            return fail("only asked");
        }

        @Override
        public void enter() {
            fail("only asked");
        }

        @Override
        public void leave() {
            fail("only asked");
        }

        @Override
        public @Nullable Error runBody() {
            return fail("only asked");
        }

        @Override
        public void endWith(Throwable e) {
            fail("only asked");
        }

        @Override
        public String getName() {
            return "body";
        }
    }
}
