package asyncio.redis;

import java.io.File;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;

/** Processes of one program, which are killed, or stopped beyond a lease, at random. */
final class Workers implements AutoCloseable {
    /** Starts a process, with a number of its own. */
    interface Program {
        List<String> arguments(int number) throws IOException;
    }

    private final Class<?> main;
    private final Program program;
    private final Random random;
    private final long longestStop;
    private final List<Process> processes = new ArrayList<>();
    private int started;
    int killed;
    int stopped;

    /** @param longestStop the longest time for which one is stopped, in milliseconds */
    Workers(Class<?> main, int count, Random random, long longestStop, Program program) throws IOException {
        this.main = main;
        this.program = program;
        this.random = random;
        this.longestStop = longestStop;
        for (int i = 0; i < count; i++) {
            processes.add(start());
        }
    }

    private Process start() throws IOException {
        List<String> command = new ArrayList<>(List.of(
                System.getProperty("java.home") + "/bin/java",
                "-Xmx64m",
                "-XX:TieredStopAtLevel=1",
                "-cp",
                System.getProperty("java.class.path"),
                main.getName()));
        command.addAll(program.arguments(started++));
        return new ProcessBuilder(command)
                .redirectErrorStream(true)
                .redirectOutput(new File("target/" + main.getSimpleName() + ".log"))
                .start();
    }

    int started() {
        return started;
    }

    /**
     * Lets them run for a moment, then kills one, and starts another instead, or stops one for a while. One that has
     * ended with an error of the server is replaced, too.
     */
    void harm(long least, int most) throws Exception {
        LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(least + random.nextInt(most)));
        int victim = random.nextInt(processes.size());
        if (random.nextBoolean() || !processes.get(victim).isAlive()) {
            processes.get(victim).destroyForcibly().waitFor();
            processes.set(victim, start());
            killed++;
        } else {
            signal("STOP", processes.get(victim));
            LockSupport.parkNanos(
                    TimeUnit.MILLISECONDS.toNanos(longestStop / 4 + random.nextLong(longestStop * 3 / 4)));
            signal("CONT", processes.get(victim));
            stopped++;
        }
    }

    private static void signal(String name, Process process) throws Exception {
        new ProcessBuilder("kill", "-" + name, String.valueOf(process.pid()))
                .start()
                .waitFor();
    }

    @Override
    public void close() throws InterruptedException {
        for (Process process : processes) {
            process.destroyForcibly().waitFor();
        }
    }
}
