package asyncio.redis;

import static java.nio.file.StandardOpenOption.APPEND;
import static java.nio.file.StandardOpenOption.CREATE;

import java.io.BufferedWriter;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * The history of a lock with tokens, in the clock that all processes of a machine share: when each permit was asked
 * for, granted, and released. It is checked against what a lock promises.
 */
final class LockHistory {
    private LockHistory() {}

    /**
     * A permit.
     *
     * @param ended the time just before its release; that of the grant if it is not known, since its process was killed
     */
    record Hold(long token, long asked, long granted, long ended) {}

    /** Writes the permits of one process, each line at once, so that a kill loses at most the line being written. */
    static final class Writer {
        private final BufferedWriter file;

        Writer(Path path) throws IOException {
            file = Files.newBufferedWriter(path, CREATE, APPEND);
        }

        void granted(long token, long asked) throws IOException {
            line("granted " + token + " " + asked + " " + System.nanoTime());
        }

        void ending(long token) throws IOException {
            line("ending " + token + " " + System.nanoTime());
        }

        private void line(String line) throws IOException {
            file.write(line + ".\n"); // the dot shows that the line is whole
            file.flush();
        }
    }

    static List<Hold> read(List<Path> paths) throws IOException {
        List<Hold> holds = new ArrayList<>();
        for (Path path : paths) {
            Map<Long, Hold> all = new HashMap<>(); // tokens of one process
            for (String line : Files.readAllLines(path)) {
                if (!line.endsWith(".")) {
                    continue;
                }
                String[] words = line.substring(0, line.length() - 1).split(" ");
                long token = Long.parseLong(words[1]);
                if (words[0].equals("granted")) {
                    Hold twice = all.put(
                            token,
                            new Hold(
                                    token,
                                    Long.parseLong(words[2]),
                                    Long.parseLong(words[3]),
                                    Long.parseLong(words[3])));
                    if (twice != null) {
                        holds.add(twice);
                    }
                } else {
                    all.computeIfPresent(
                            token, (t, hold) -> new Hold(t, hold.asked, hold.granted, Long.parseLong(words[2])));
                }
            }
            holds.addAll(all.values());
        }
        return holds;
    }

    /** Returns what contradicts a lock with this lease. */
    static List<String> violations(List<Hold> holds, Duration lease) {
        List<String> violations = new ArrayList<>();
        List<Hold> byToken =
                holds.stream().sorted(Comparator.comparingLong(Hold::token)).toList();
        Hold latest = null; // asked for last, of those with smaller tokens
        for (int i = 0; i < byToken.size(); i++) {
            Hold hold = byToken.get(i);
            if (i > 0 && byToken.get(i - 1).token == hold.token) {
                violations.add("one token twice: " + byToken.get(i - 1) + ", " + hold);
            }
            if (latest != null && hold.granted < latest.asked) {
                violations.add("a later permit with a smaller token: " + hold + ", " + latest);
            }
            if (latest == null || hold.asked > latest.asked) {
                latest = hold;
            }
        }
        List<Hold> byTime =
                holds.stream().sorted(Comparator.comparingLong(Hold::granted)).toList();
        Hold longest = null;
        for (Hold hold : byTime) {
            if (longest != null && hold.granted < promised(longest, lease) && !wasStopped(hold, longest, lease)) {
                violations.add("two at once: " + longest + ", " + hold);
            }
            if (longest == null || promised(hold, lease) > promised(longest, lease)) {
                longest = hold;
            }
        }
        return violations;
    }

    /** Whether a permit is of an earlier time, and its process was stopped until its lease was over. */
    private static boolean wasStopped(Hold hold, Hold other, Duration lease) {
        return hold.token < other.token && hold.granted >= hold.asked + lease.toNanos();
    }

    /** Returns the time until which no other has the lock: its release, or the end of the lease that it began with. */
    private static long promised(Hold hold, Duration lease) {
        return Math.min(hold.ended, hold.asked + lease.toNanos());
    }
}
