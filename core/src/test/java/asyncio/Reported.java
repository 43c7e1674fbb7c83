package asyncio;

import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;

/**
 * The reports to the exception handler of a program's own loop, including its end, without leftovers of other tests.
 */
final class Reported {
    private Reported() {}

    /** Runs a body on a loop with virtual time. */
    static List<ExceptionContext> by(Body body) throws Exception {
        List<ExceptionContext> reported = new CopyOnWriteArrayList<>();
        VirtualTime.run(() -> {
            EventLoop.getRunningLoop().setExceptionHandler((loop, what) -> reported.add(what));
            body.run();
        });
        return reported;
    }
}
