package asyncio.internal.loop;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.fail;

import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class NextTurnTest {
    private final Body body = new Body();

    @Test
    void aBodyWhoseOwnWakeUpIsNextKeepsTheLoop() {
        Entry wait = body.waitsFor(new Known(body, null, true));
        assertThat(NextTurn.of(wait, wait)).isSameAs(NextTurn.OWN);
        Runnable plain = () -> {};
        assertThat(NextTurn.of(plain, plain)).isSameAs(NextTurn.OWN);
    }

    @Test
    void aBodyThatHasEndedKeepsNothing() {
        assertThat(NextTurn.of(body.waitsFor(new Known(body, null, true)), null))
                .isSameAs(NextTurn.BODY);
        assertThat(NextTurn.of(() -> {}, null)).isSameAs(NextTurn.DRIVER);
    }

    @Test
    void aWaitIsForItsBody() {
        Entry own = new Known(new Body(), null, true);
        assertThat(NextTurn.of(body.waitsFor(new Known(body, null, true)), own)).isSameAs(NextTurn.BODY);
        assertThat(NextTurn.of(body.waitsFor(new Known(body, null, false)), own))
                .isSameAs(NextTurn.BODY);
    }

    @Test
    void aWaitThatItsBodyHasLeftIsForNobody() {
        Entry left = new Known(body, null, true);
        body.waitsFor(new Known(body, null, true));
        assertThat(NextTurn.of(left, null)).isSameAs(NextTurn.NOBODY);
    }

    @Test
    void aFirstStepIsForANewThread() {
        assertThat(NextTurn.of(new Known(null, body, true), null)).isSameAs(NextTurn.START);
        assertThat(NextTurn.of(new Known(null, body, false), null)).isSameAs(NextTurn.START);
    }

    @Test
    void onlyWhatIsOfThisLibraryRunsOnTheThreadOfABody() {
        assertThat(NextTurn.of(new Known(null, null, true), null)).isSameAs(NextTurn.INTERNAL);
        assertThat(NextTurn.of(new Known(null, null, false), null)).isSameAs(NextTurn.DRIVER);
        assertThat(NextTurn.of(() -> {}, new Known(body, null, true))).isSameAs(NextTurn.DRIVER);
    }

    @ParameterizedTest
    @CsvSource({"true, true, RUNNER", "true, false, RUNNER", "false, true, RUNNER", "false, false, DRIVER"})
    void onlyTheRunnerSleepsAndEndsTheRun(boolean mustReturn, boolean idle, NextTurn expected) {
        assertThat(NextTurn.ofNone(mustReturn, idle)).isSameAs(expected);
    }

    /** An entry with given answers, which is never run. */
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

    /** A body that is only asked for the entry it waits for. */
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
