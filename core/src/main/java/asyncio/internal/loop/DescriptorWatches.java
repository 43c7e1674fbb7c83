package asyncio.internal.loop;

import io.netty.channel.IoHandle;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * The descriptors that a loop on epoll watches for others, by their numbers. Netty keeps its registrations by number
 * and would replace the one of a channel without a word, hence the loop has a map of its own: a number has a channel of
 * the loop or a watch. From any thread.
 */
public final class DescriptorWatches {
    private static final Path DESCRIPTORS = Path.of("/proc/self/fd");

    private final LoopCore core;
    private final boolean epoll;
    /** The handles of channels, by their descriptors. */
    private final Map<Integer, IoHandle> handles = new ConcurrentHashMap<>();
    /**
     * The watches with a reader or a writer. Guarded by this. A removal on any thread wins against readiness that the
     * loop has already found: the watch leaves at once, and one added later for the same number is another one.
     */
    private final Map<Integer, DescriptorWatch> watches = new HashMap<>();
    /** The watches that are registered, also those without a reader and a writer; on the loop. */
    private final Map<Integer, DescriptorWatch> registered = new HashMap<>();
    /** Guarded by this. */
    private boolean closed;

    DescriptorWatches(LoopCore core, boolean epoll) {
        this.core = core;
        this.epoll = epoll;
    }

    /**
     * Sets or removes the reader or the writer of a descriptor.
     *
     * @param writer which of the two
     * @param callbacks gives what is to be run, on the loop, each time when the descriptor is ready; null for nothing
     * @return whether there was one before
     * @throws UnsupportedOperationException if the loop is not on epoll
     * @throws IllegalStateException if the loop is closed, or the descriptor is a channel's
     * @throws IllegalArgumentException if it is not open, or of a kind that is not watched
     */
    public boolean set(int number, boolean writer, @Nullable Supplier<? extends Runnable> callbacks) {
        DescriptorWatch watch;
        boolean before;
        synchronized (this) {
            if (closed && callbacks == null) {
                return false;
            }
            check(number);
            watch = watches.get(number);
            if (callbacks == null) {
                if (watch == null) {
                    return false;
                }
            } else if (watch == null) {
                checkKind(number);
                watch = new DescriptorWatch(core, number);
                watches.put(number, watch);
            }
            before = watch.set(writer, callbacks);
            if (watch.isIdle()) {
                watches.remove(number);
            }
        }
        DescriptorWatch changed = watch;
        if (core.inEventLoop()) {
            apply(number, changed);
        } else {
            core.enqueue(new ChannelWatch.Told(() -> apply(number, changed)));
        }
        return before;
    }

    private void check(int number) {
        if (closed) {
            throw new IllegalStateException("The event loop is closed");
        }
        if (!epoll) {
            throw new UnsupportedOperationException("Descriptor " + number
                    + " cannot be watched: this loop is not on epoll. Use EventLoop.builder().transport(\"epoll\"), or"
                    + " watch a channel of java.nio");
        }
        if (handles.containsKey(number)) {
            throw new IllegalStateException("Descriptor " + number + " is used by a transport of this loop");
        }
    }

    /** Epoll says the same, but not on this thread, and in a word. */
    private static void checkKind(int number) {
        if (number < 0) {
            throw new IllegalArgumentException("A descriptor must not be negative: " + number);
        }
        Path descriptor = DESCRIPTORS.resolve(Integer.toString(number));
        if (Files.isRegularFile(descriptor) || Files.isDirectory(descriptor)) {
            throw new IllegalArgumentException("Descriptor " + number
                    + " is a file or directory: read a file in a thread, with toThread, since it is always ready");
        }
        if (Files.isDirectory(DESCRIPTORS) && !Files.exists(descriptor)) {
            throw new IllegalArgumentException("Descriptor " + number + " is not open");
        }
    }

    /** On the loop. */
    private void apply(int number, DescriptorWatch watch) {
        boolean wanted;
        synchronized (this) {
            if (closed) {
                return;
            }
            wanted = watches.get(number) == watch;
        }
        DescriptorWatch before = registered.get(number);
        if (before != null && (before == watch) != wanted) { // at once: when it is closed its number may be another's
            cancel(number, before);
        }
        if (!wanted) {
            return;
        }
        try {
            watch.apply();
            registered.put(number, watch);
        } catch (Exception e) {
            cancel(number, watch);
            synchronized (this) {
                watches.remove(number, watch);
            }
            Throwable cause = e instanceof UncheckedIOException && e.getCause() != null ? e.getCause() : e;
            throw new IllegalArgumentException("Descriptor " + number + " cannot be watched: " + cause.getMessage(), e);
        }
    }

    private void cancel(int number, DescriptorWatch watch) {
        registered.remove(number, watch);
        watch.cancel();
    }

    /**
     * A channel comes to the loop; on the loop.
     *
     * @throws IOException if its descriptor is watched
     */
    void registering(IoHandle handle) throws IOException {
        if (!epoll || handle instanceof DescriptorWatch) {
            return;
        }
        int number = DescriptorWatch.numberOf(handle);
        DescriptorWatch before = registered.get(number);
        synchronized (this) {
            DescriptorWatch watch = watches.get(number);
            if (watch != null && watch == before && watch.submit()) {
                throw new IOException(
                        "Descriptor " + number + " is watched by addReader or addWriter: remove that first");
            }
            watches.remove(number); // its owner has closed the number, and it is another file's now
        }
        if (before != null) {
            cancel(number, before);
        }
        handles.put(number, handle);
    }

    /** A channel has left the loop, or has not come; on the loop. */
    void deregistered(IoHandle handle) {
        if (epoll && !(handle instanceof DescriptorWatch)) {
            handles.remove(DescriptorWatch.numberOf(handle), handle);
        }
    }

    /** Returns the number of descriptors that are watched. */
    synchronized int size() {
        return watches.size();
    }

    /** The loop is being closed. The descriptors stay open: they are others'. On the loop. */
    void close() {
        synchronized (this) {
            closed = true;
            watches.clear();
        }
        for (DescriptorWatch watch : registered.values()) { // a method reference would need epoll's classes
            watch.cancel();
        }
        registered.clear();
    }
}
