package asyncio.tools;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.regex.Pattern;

/** A program at its own terminal, created by {@code script} of util-linux, to type into and read from. */
final class Pty implements AutoCloseable {
    private static final long LIMIT_SECONDS = 120;
    /** Control sequences: cursor movements, colours, the bell. */
    private static final Pattern CONTROL = Pattern.compile("\u001b\\[[0-9;?]*[a-zA-Z]|\u001b[=>]|[\u0007\u0008\r]");

    private final Process process;
    /** Guarded by this. */
    private final StringBuilder said = new StringBuilder();
    /** The position up to which the output has been matched; guarded by this. */
    private int matched;
    /** Guarded by this. */
    private boolean ended;

    Pty(List<String> command, Map<String, String> environment) throws IOException {
        StringBuilder line = new StringBuilder("stty rows 40 cols 150; exec");
        command.forEach(word -> line.append(" '").append(word).append('\''));
        ProcessBuilder builder = new ProcessBuilder("script", "-q", "-e", "-c", line.toString(), "/dev/null");
        builder.environment().put("TERM", "xterm");
        builder.environment().put("SHELL", "/bin/sh");
        builder.environment().putAll(environment);
        process = builder.redirectErrorStream(true).start();
        Thread pump = new Thread(this::pump, "pty");
        pump.setDaemon(true);
        pump.start();
    }

    /** Skips the test where {@code script} is not available. */
    static void assume() throws Exception {
        int status;
        try {
            status = new ProcessBuilder("script", "-q", "-e", "-c", "stty size", "/dev/null")
                    .redirectErrorStream(true)
                    .redirectOutput(ProcessBuilder.Redirect.DISCARD)
                    .start()
                    .waitFor();
        } catch (IOException e) {
            status = -1;
        }
        assumeTrue(status == 0, "no script(1) of util-linux here, which makes a terminal");
    }

    private void pump() {
        byte[] bytes = new byte[8192];
        try (InputStream in = process.getInputStream()) {
            for (int n; (n = in.read(bytes)) >= 0; ) {
                synchronized (this) {
                    said.append(new String(bytes, 0, n, StandardCharsets.UTF_8));
                    notifyAll();
                }
            }
        } catch (IOException e) {
            // it has been killed
        }
        synchronized (this) {
            ended = true;
            notifyAll();
        }
    }

    void type(String keys) throws IOException {
        process.getOutputStream().write(keys.getBytes(StandardCharsets.UTF_8));
        process.getOutputStream().flush();
    }

    /** Waits for a text after those already matched, and returns the output up to it. */
    synchronized String expect(String text) throws InterruptedException {
        long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(LIMIT_SECONDS);
        for (; ; ) {
            String clean = CONTROL.matcher(said).replaceAll("");
            int found = clean.indexOf(text, matched);
            if (found >= 0) {
                String before = clean.substring(matched, found);
                matched = found + text.length();
                return before;
            }
            long left = TimeUnit.NANOSECONDS.toMillis(deadline - System.nanoTime());
            if (ended || left <= 0) {
                throw new AssertionError("It never said \"" + text + "\", but:\n" + clean);
            }
            wait(left);
        }
    }

    int exit() throws InterruptedException {
        if (!process.waitFor(LIMIT_SECONDS, TimeUnit.SECONDS)) {
            throw new AssertionError("It goes on; it said:\n" + this);
        }
        return process.exitValue();
    }

    @Override
    public void close() throws InterruptedException {
        process.descendants().forEach(ProcessHandle::destroyForcibly);
        process.destroyForcibly().waitFor();
    }

    @Override
    public synchronized String toString() {
        return CONTROL.matcher(said).replaceAll("");
    }
}
