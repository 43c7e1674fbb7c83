package asyncio.internal.loop;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowable;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Consumer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** The hand-over of a loop, without a loop. */
class BatonTest {
    private final Baton baton = new Baton();
    private final List<CompletableFuture<Void>> threads = new ArrayList<>();

    @BeforeEach
    void take() {
        baton.take();
    }

    @AfterEach
    void join() throws ExecutionException, InterruptedException, TimeoutException {
        for (CompletableFuture<Void> thread : threads) {
            thread.get(20, TimeUnit.SECONDS);
        }
    }

    /** Makes a seat with a thread that, when started, waits for the loop and then calls back with it. */
    private Seat seat(Consumer<Seat> withTheLoop) {
        Seat seat = new Seat(true);
        CompletableFuture<Void> end = new CompletableFuture<>();
        seat.thread = new Thread(() -> {
            try {
                seat.awaitGrant();
                withTheLoop.accept(seat);
                end.complete(null);
            } catch (Throwable e) {
                end.completeExceptionally(e);
            }
        });
        threads.add(end);
        return seat;
    }

    private boolean isMine() {
        return baton.isOwner(Thread.currentThread());
    }

    @Test
    void nobodyHasALoopThatDoesNotRun() {
        assertThat(isMine()).isTrue();
        baton.drop();
        assertThat(isMine()).isFalse();
    }

    @Test
    void oneThreadAtATimeHasTheLoop() {
        CompletableFuture<Void> looked = new CompletableFuture<>();
        Seat body = seat(seat -> {
            looked.join();
            assertThat(isMine()).isTrue();
            assertThat(baton.holder()).isSameAs(seat);
            baton.leave(seat, null, own -> {
                baton.handTo(baton.runner);
                return false;
            });
            assertThat(isMine()).isFalse();
        });
        baton.handToNew(body);
        assertThat(isMine()).isFalse();
        looked.complete(null);
        baton.runner.awaitGrant();
        assertThat(isMine()).isTrue();
        assertThat(baton.progress()).isEqualTo(2);
    }

    @Test
    void aBodyWhoseWakeUpIsNextKeepsTheLoop() {
        Runnable wait = () -> {};
        baton.leaveAndReturn(baton.runner, null, wait, own -> own == wait);
        assertThat(isMine()).isTrue();
    }

    @Test
    void theEagerCallerIsAskedForBeforeTheQueue() {
        Seat body = seat(seat -> baton.leave(seat, baton.runner, own -> {
            throw new AssertionError("the queue was asked");
        }));
        baton.handToNew(body);
        baton.runner.awaitGrant();
        assertThat(isMine()).isTrue();
    }

    @Test
    void theLoopStaysWithTheOneWhoCouldNotStartAThread() {
        Seat body = new Seat(true);
        body.thread = new Thread() {
            @Override
            public void start() {
                throw new OutOfMemoryError("unable to create native thread");
            }
        };
        assertThatThrownBy(() -> baton.handToNew(body)).isInstanceOf(OutOfMemoryError.class);
        assertThat(isMine()).isTrue();
        assertThat(baton.holder()).isSameAs(baton.runner);
        assertThat(baton.unclaimed()).isFalse();
        assertThat(baton.mustReturn()).isFalse();
    }

    @Test
    void theRunnerGetsTheLoopOfABodyWithoutStackAndTheWatchdogWakesIt() {
        StackOverflowError overflow = new StackOverflowError();
        Seat body = seat(seat -> {
            baton.leaveAndReturn(seat, null, () -> {}, own -> {
                throw overflow;
            });
            assertThat(isMine()).isTrue();
            baton.leave(seat, baton.runner, own -> false);
        });
        Thread waits = Thread.currentThread();
        AtomicBoolean over = new AtomicBoolean();
        Thread watchdog = new Thread(() -> {
            while (!over.get()) {
                if (baton.holderThread() == waits) {
                    baton.unclaimed();
                }
                Thread.onSpinWait();
            }
        });
        watchdog.setDaemon(true);
        watchdog.start();
        baton.handToNew(body);
        baton.runner.awaitGrant();
        assertThat(isMine()).isTrue();
        assertThat(baton.mustReturn()).isTrue();
        assertThat(catchThrowable(baton::throwFatal)).isSameAs(overflow);
        assertThat(baton.mustReturn()).isFalse();
        baton.handTo(body);
        baton.runner.awaitGrant();
        over.set(true);
    }

    @Test
    void whatFailsWhileTheLoopIsHandedOnEndsTheRun() {
        IllegalStateException failure = new IllegalStateException();
        Seat body = seat(seat -> baton.leave(seat, null, own -> {
            throw failure;
        }));
        baton.handToNew(body);
        baton.runner.awaitGrant();
        assertThat(isMine()).isTrue();
        assertThatThrownBy(baton::throwFatal).isInstanceOf(Error.class).hasCause(failure);
    }

    @Test
    void whatFailsAfterTheLoopWasHandedOnHarmsNobody() {
        Seat body = seat(seat -> baton.leave(seat, null, own -> {
            baton.handTo(baton.runner);
            throw new IllegalStateException("too late");
        }));
        baton.handToNew(body);
        baton.runner.awaitGrant();
        assertThat(isMine()).isTrue();
        baton.throwFatal();
    }

    @Test
    void aLoopThatClosesOnlyGoesBackToTheRunner() {
        assertThat(baton.mustReturn()).isFalse();
        baton.close();
        assertThat(baton.mustReturn()).isTrue();
        assertThat(baton.isClosing()).isTrue();
    }
}
