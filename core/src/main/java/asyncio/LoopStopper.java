package asyncio;

import asyncio.internal.loop.LoopCore;
import java.util.Collection;
import java.util.List;

/** Stops a loop when the Futures it was run for are done. */
final class LoopStopper {
    private final EventLoop loop;
    private int left;
    /** False once the run is over, however it ended: the stop it was for must not end another. */
    private boolean active = true;

    private LoopStopper(EventLoop loop, int left) {
        this.loop = loop;
        this.left = left;
    }

    /** Runs the loop until all are done, or it is stopped otherwise. */
    static void runUntilDone(EventLoop loop, Collection<? extends Future<?>> futures) {
        if (futures.isEmpty()) {
            return;
        }
        LoopStopper stopper = new LoopStopper(loop, futures.size());
        List<One> waiters =
                futures.stream().map(future -> stopper.new One(future)).toList();
        for (One waiter : waiters) {
            if (!waiter.future.addWaiter(waiter)) {
                waiter.resume();
            }
        }
        try {
            loop.runForever();
        } finally {
            stopper.active = false;
            for (One waiter : waiters) {
                waiter.future.removeWaiter(waiter);
            }
        }
    }

    private final class One extends Waiter {
        private final Future<?> future;

        One(Future<?> future) {
            this.future = future;
        }

        @Override
        public void run() {
            left--;
            if (left == 0 && active) {
                loop.stop();
            }
        }

        @Override
        protected boolean isInternal() {
            return true;
        }

        @Override
        LoopCore resumesOn() {
            return loop.core;
        }
    }
}
