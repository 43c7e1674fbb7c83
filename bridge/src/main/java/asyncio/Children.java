package asyncio;

import java.util.ArrayList;
import java.util.Collections;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Mono;
import reactor.core.publisher.Operators;
import reactor.util.context.Context;

/** What a combinator was given, running: a Future as it is, any other Mono as a task; the same Mono once. */
final class Children<T> {
    private final List<Mono<? extends T>> sources;
    private final Context context;
    /** One for each argument. */
    final List<Future<T>> slots;
    /** Each one once. */
    final List<Future<T>> distinct;

    private Children(
            List<Mono<? extends T>> sources, List<Future<T>> slots, List<Future<T>> distinct, Context context) {
        this.sources = sources;
        this.slots = slots;
        this.distinct = distinct;
        this.context = context;
    }

    /** The arguments of a combinator, which from here on answers for their being awaited. */
    static <T> List<Mono<? extends T>> adopt(Iterable<? extends Mono<? extends T>> monos) {
        List<Mono<? extends T>> sources = new ArrayList<>();
        int missing = -1;
        for (Mono<? extends T> mono : monos) {
            if (mono == null) {
                missing = sources.size();
            } else {
                ColdMono.adopt(mono); // the valid ones too if another is not: one complaint is enough
            }
            sources.add(mono);
        }
        if (missing >= 0) {
            throw new NullPointerException("Argument " + missing + " of " + sources.size() + " is null, not a Mono");
        }
        return sources;
    }

    /** Starts them; from any thread. If one cannot be started, those before it are cancelled. */
    static <T> Children<T> start(List<Mono<? extends T>> sources, EventLoop loop, Context context) {
        TaskOptions options = new TaskOptions(null, context, null);
        List<Future<T>> slots = new ArrayList<>(sources.size());
        IdentityHashMap<Mono<?>, Future<T>> started = new IdentityHashMap<>(sources.size());
        try {
            for (Mono<? extends T> source : sources) {
                Future<T> child = started.get(source);
                if (child == null) {
                    child = start(source, loop, options);
                    started.put(source, child);
                }
                slots.add(child);
            }
        } catch (RuntimeException | Error e) {
            for (int i = 0; i < slots.size(); i++) {
                if (isOurs(sources.get(i), slots.get(i))) {
                    slots.get(i).cancel("Another could not be started: " + e);
                }
            }
            throw e;
        }
        List<Future<T>> distinct = started.size() == slots.size() ? slots : withoutDuplicates(slots);
        return new Children<>(sources, slots, distinct, context);
    }

    @SuppressWarnings("unchecked")
    static <T> Future<T> start(Mono<? extends T> source, EventLoop loop, TaskOptions options) {
        return source instanceof Future<?> future ? (Future<T>) future : loop.createTask(source, options);
    }

    private static <T> List<Future<T>> withoutDuplicates(List<Future<T>> slots) {
        List<Future<T>> distinct = new ArrayList<>();
        Set<Future<T>> seen = Collections.newSetFromMap(new IdentityHashMap<>());
        for (Future<T> child : slots) {
            if (seen.add(child)) {
                distinct.add(child);
            }
        }
        return distinct;
    }

    /** Whether it was started for this alone, so that nobody else has its result. */
    private static boolean isOurs(Mono<?> source, Future<?> child) {
        return source != child;
    }

    /** Gives the results that nobody else has, all but that of {@code kept}, to the hook for lost values. */
    void discardResults(@Nullable Future<T> kept) {
        Set<Future<T>> seen = Collections.newSetFromMap(new IdentityHashMap<>());
        for (int i = 0; i < slots.size(); i++) {
            Future<T> child = slots.get(i);
            if (child != kept && isOurs(sources.get(i), child) && seen.add(child)) {
                Operators.onDiscard(child.resultOrNull(), context);
            }
        }
    }
}
