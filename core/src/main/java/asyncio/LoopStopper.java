package asyncio;

import asyncio.internal.loop.LoopCore;

/** Stops a loop when the Futures it was run for are done. */
final class LoopStopper {
    private final LoopCore loop;
    private final Runnable stop;
    private int left;
    /** False once the run has ended for any reason: its stop must not end another run. */
    private boolean active = true;

    /**
     * Creates a stopper.
     *
     * @param left the number of Futures, each of which gets {@link #one}
     */
    LoopStopper(LoopCore loop, Runnable stop, int left) {
        this.loop = loop;
        this.stop = stop;
        this.left = left;
    }

    /** Returns a waiter for one of them. */
    Waiter one() {
        return new One();
    }

    void deactivate() {
        active = false;
    }

    private final class One extends Waiter {
        @Override
        public void run() {
            left--;
            if (left == 0 && active) {
                stop.run();
            }
        }

        @Override
        protected boolean isInternal() {
            return true;
        }

        @Override
        LoopCore resumesOn() {
            return loop;
        }
    }
}
