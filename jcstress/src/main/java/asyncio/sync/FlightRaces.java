package asyncio.sync;

import static asyncio.sync.LockRaces.bit;
import static org.openjdk.jcstress.annotations.Expect.ACCEPTABLE;
import static org.openjdk.jcstress.annotations.Expect.FORBIDDEN;

import java.time.Duration;
import java.util.concurrent.ConcurrentHashMap;
import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.Arbiter;
import org.openjdk.jcstress.annotations.Description;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.III_Result;
import org.openjdk.jcstress.infra.results.II_Result;

/** The callers of a flight come, leave and are notified. The tests start the work, and end it. */
@SuppressWarnings("this-escape") // only to the subclasses that jcstress generates, which add no state
public final class FlightRaces {
    private FlightRaces() {}

    /** One flight of one key. */
    public abstract static class OfOneKey {
        final ConcurrentHashMap<Integer, Flight<Integer, Integer>> flights = new ConcurrentHashMap<>();
        final Flight<Integer, Integer> flight = new Flight<>(flights, 1, null, Duration.ZERO);

        OfOneKey() {
            flights.put(1, flight);
        }

        Probe<Integer> come() {
            Probe<Integer> probe = new Probe<>();
            come(probe);
            return probe;
        }

        /** Whether it came in time. */
        boolean come(Probe<Integer> probe) {
            boolean[] inTime = new boolean[1];
            probe.onSubscribe(new FlightCaller<>(probe) {
                @Override
                protected boolean begin() {
                    Flight.Found found = flight.join(this);
                    inTime[0] = found != Flight.Found.OVER;
                    return found == Flight.Found.GRANTED;
                }

                @Override
                protected String target() {
                    return "a test";
                }
            });
            return inTime[0];
        }
    }

    @JCStressTest
    @Description("The last caller leaves, another one comes. Figures: came in time; the flight is over.")
    @Outcome(id = "1, 0", expect = ACCEPTABLE, desc = "It came first: the work continues for it.")
    @Outcome(id = "0, 1", expect = ACCEPTABLE, desc = "It came too late, and starts again.")
    @Outcome(
            expect = FORBIDDEN,
            desc = "It waits for work that was cancelled, or work without a caller was not cancelled.")
    @State
    public static class LastLeavesAndOneComes extends OfOneKey {
        final Probe<Integer> last = come();
        final Probe<Integer> other = new Probe<>();
        boolean inTime;

        @Actor
        public void leave() {
            last.cancel();
        }

        @Actor
        public void another() {
            inTime = come(other);
        }

        @Arbiter
        public void look(II_Result r) {
            r.r1 = bit(inTime);
            r.r2 = bit(flight.isOver());
        }
    }

    @JCStressTest
    @Description("Both callers leave, one at the request of its task. Figures: ends of that one; the flight is over.")
    @Outcome(id = "1, 1", expect = ACCEPTABLE, desc = "It left first, and has ended.")
    @Outcome(id = "0, 1", expect = ACCEPTABLE, desc = "It was the last one, and waits for the end of the work.")
    @Outcome(expect = FORBIDDEN, desc = "The work is not cancelled.")
    @State
    public static class BothLeave extends OfOneKey {
        final Probe<Integer> one = come();
        final Probe<Integer> two = come();

        @Actor
        public void dispose() {
            one.cancel();
        }

        @Actor
        public void end() {
            two.end();
        }

        @Arbiter
        public void look(II_Result r) {
            r.r1 = two.ends();
            r.r2 = bit(flight.isOver());
        }
    }

    @JCStressTest
    @Description("The work ends while one caller leaves. Figures: ends of that one; the other's; keys left.")
    @Outcome(id = "1, 1, 0", expect = ACCEPTABLE, desc = "Told first.")
    @Outcome(id = "0, 1, 0", expect = ACCEPTABLE, desc = "Left first.")
    @Outcome(expect = FORBIDDEN, desc = "One is not notified, or is notified twice.")
    @State
    public static class EndAndLeave extends OfOneKey {
        final Probe<Integer> one = come();
        final Probe<Integer> two = come();

        @Actor
        public void end() {
            flight.end(42, null);
        }

        @Actor
        public void leave() {
            one.cancel();
        }

        @Arbiter
        public void look(III_Result r) {
            r.r1 = one.ends();
            r.r2 = two.ends();
            r.r3 = flights.size();
        }
    }

    @JCStressTest
    @Description("The work ends while one comes. Figures: came in time; its ends; keys left.")
    @Outcome(id = "1, 1, 0", expect = ACCEPTABLE, desc = "In time, and notified.")
    @Outcome(id = "0, 0, 0", expect = ACCEPTABLE, desc = "Too late, and starts again.")
    @Outcome(expect = FORBIDDEN, desc = "It waits forever.")
    @State
    public static class EndAndCome extends OfOneKey {
        final Probe<Integer> one = come();
        final Probe<Integer> two = new Probe<>();
        boolean inTime;

        @Actor
        public void end() {
            flight.end(42, null);
        }

        @Actor
        public void another() {
            inTime = come(two);
        }

        @Arbiter
        public void look(III_Result r) {
            r.r1 = bit(inTime);
            r.r2 = two.ends();
            r.r3 = flights.size();
        }
    }
}
