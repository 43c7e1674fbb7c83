package asyncio.streams;

import asyncio.Asyncio;
import asyncio.Future;
import asyncio.Task;
import asyncio.TimedOutException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Executor;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Mono;

/**
 * The open connections of a {@link Server} or of {@link Clients}, and the tasks that work on them, also those of
 * connections that are gone. {@link #shutdown} closes idle connections, lets the work finish for a time, and cuts off
 * the rest.
 *
 * <p>May be used from any thread. Everything is guarded by this; connections and tasks are told outside of the lock. If
 * work ends while a shutdown begins, the lock decides which of them closes its connection.
 */
final class Drain {
    /** A connection; equal objects stand for the same one. */
    interface Member {
        StreamHandler stream();

        /** Returns the object that represents it to users. */
        Object transport();

        /** Closes it before its work has ended, once it turns out to be idle; called when a shutdown begins. */
        void closeOnceIdle();
    }

    private static final class Entry {
        final List<Task<?>> work = new ArrayList<>(1);
        /** The number of tasks that are about to be made. */
        int starting;

        boolean gone;

        boolean isIdle() {
            return work.isEmpty() && starting == 0;
        }
    }

    private final String cancellation;
    private final Map<Member, Entry> entries = new LinkedHashMap<>();
    /** The number of entries that are not gone. */
    private int open;

    private boolean draining;
    private volatile boolean cut;
    /** The {@link #shutdown} calls that wait for the last connection and the last task. */
    private final List<Future<Void>> waiting = new ArrayList<>(0);

    /** @param cancellation the message of the cancellations when the grace period has ended */
    Drain(String cancellation) {
        this.cancellation = cancellation;
    }

    // ---- connections and work

    /** Returns whether it was not there yet. */
    synchronized boolean add(Member member) {
        if (entries.putIfAbsent(member, new Entry()) != null) {
            return false;
        }
        open++;
        return true;
    }

    /** The connection is gone; {@link #finishIfDone} must follow. */
    synchronized void remove(Member member) {
        Entry entry = entries.get(member);
        if (entry != null && !entry.gone) {
            entry.gone = true;
            open--;
            forgetIfOver(member, entry);
        }
    }

    /** A task works on the connection, which may be gone already; {@link #ended} must follow. */
    synchronized void began(Member member, Task<?> work) {
        entryOf(member).work.add(work);
    }

    /**
     * A task for the connection, which may be gone already, is about to be made; {@link #started} must follow. In
     * between, the code of a task factory or a listener may run, which no lock may be held for.
     */
    synchronized void starting(Member member) {
        entryOf(member).starting++;
    }

    /** The task was made, and {@link #ended} must follow; or it was not, if it is null. */
    void started(Member member, @Nullable Task<?> work) {
        boolean late;
        boolean close;
        synchronized (this) {
            Entry entry = entryOf(member);
            entry.starting--;
            if (work != null) {
                entry.work.add(work);
            }
            late = cut;
            close = draining && entry.isIdle();
            forgetIfOver(member, entry);
        }
        if (work != null && late) {
            work.cancel(cancellation);
        }
        if (close) {
            member.stream().requestClose();
        }
    }

    private Entry entryOf(Member member) {
        Entry entry = entries.get(member);
        if (entry == null) {
            entry = new Entry();
            entry.gone = true;
            entries.put(member, entry);
        }
        return entry;
    }

    /** The task has ended; {@link #finishIfDone} must follow. */
    void ended(Member member, Task<?> work) {
        boolean close;
        synchronized (this) {
            Entry entry = entries.get(member);
            if (entry == null || !entry.work.remove(work)) {
                return;
            }
            close = draining && entry.isIdle();
            forgetIfOver(member, entry);
        }
        if (close) {
            member.stream().requestClose();
        }
    }

    private void forgetIfOver(Member member, Entry entry) {
        if (entry.gone && entry.isIdle()) {
            entries.remove(member);
        }
    }

    /** Returns the number of open connections. */
    synchronized int size() {
        return open;
    }

    /** Returns the open connections. */
    synchronized List<Member> members() {
        List<Member> members = new ArrayList<>(open);
        entries.forEach((member, entry) -> {
            if (!entry.gone) {
                members.add(member);
            }
        });
        return members;
    }

    /** Returns whether work has been cut off, so that its cancellation came from here. */
    boolean hasCut() {
        return cut;
    }

    // ---- shutdown

    /**
     * Returns the cold Mono of {@link Server#shutdown} and {@link Clients#shutdown}.
     *
     * @param close refuses further connections
     * @param executor runs the steps, where connections may be told to close once idle
     * @throws IllegalArgumentException if the time is negative
     */
    Mono<List<Object>> shutdown(Duration grace, Runnable close, Executor executor) {
        if (grace.isNegative()) {
            throw new IllegalArgumentException("The grace period " + grace + " is negative: zero cuts off at once");
        }
        return Mono.defer(() -> {
            close.run();
            Future<Void> drained = new Future<>();
            executor.execute(() -> begin(drained));
            // not the Future itself: a task that is cancelled while awaiting it would cancel it
            Mono<Void> end = Mono.defer(() -> drained);
            return Asyncio.waitFor(end, grace).thenReturn(List.of()).onErrorResume(TimedOutException.class, late -> {
                Future<List<Object>> cut = new Future<>();
                executor.execute(() -> cut.setResult(cutOff()));
                return Mono.defer(() -> cut).delayUntil(all -> end);
            });
        });
    }

    /** Closes idle connections; from now on the others close when their work ends. */
    void begin(Future<Void> drained) {
        List<Member> idle = new ArrayList<>();
        List<Member> busy = new ArrayList<>();
        synchronized (this) {
            draining = true;
            waiting.add(drained);
            entries.forEach((member, entry) -> (entry.isIdle() ? idle : busy).add(member));
        }
        idle.forEach(member -> member.stream().requestClose());
        busy.forEach(Member::closeOnceIdle);
        finishIfDone();
    }

    /** Completes the {@link #shutdown} calls if no connection and no task is left. */
    void finishIfDone() {
        List<Future<Void>> drained;
        synchronized (this) {
            if (!draining || !entries.isEmpty()) {
                return;
            }
            drained = List.copyOf(waiting);
            waiting.clear();
        }
        drained.forEach(each -> each.trySetResult(null));
    }

    /** Aborts what is left, and cancels its work, also work that starts later. */
    List<Object> cutOff() {
        Map<Member, List<Task<?>>> left = new LinkedHashMap<>();
        synchronized (this) {
            cut = true; // what starts later cancels itself
            entries.forEach((member, entry) -> left.put(member, List.copyOf(entry.work)));
        }
        List<Object> cut = new ArrayList<>();
        left.forEach((member, work) -> {
            Future.cancelAll(work, cancellation);
            member.stream().requestAbort();
            cut.add(member.transport());
        });
        return cut;
    }

    @Override
    public synchronized String toString() {
        int tasks =
                entries.values().stream().mapToInt(entry -> entry.work.size()).sum();
        return open + " open, " + tasks + " at work" + (draining ? ", shut down" : "");
    }
}
