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

/** The running arguments of a combinator: a Future itself, any other Mono as a task; the same Mono only once. */
final class Children<T> {
    private final List<Mono<? extends T>> sources;
    private final Context context;
    /** One for each argument. */
    final List<Future<T>> slots;
    /** Without duplicates. */
    final List<Future<T>> distinct;

    private Children(
            List<Mono<? extends T>> sources, List<Future<T>> slots, List<Future<T>> distinct, Context context) {
        this.sources = sources;
        this.slots = slots;
        this.distinct = distinct;
        this.context = context;
    }

    /** Returns the arguments of a combinator, which takes over the duty to run them. */
    static <T> List<Mono<? extends T>> adopt(Iterable<? extends Mono<? extends T>> monos) {
        List<Mono<? extends T>> sources = new ArrayList<>();
        int missing = -1;
        for (Mono<? extends T> mono : monos) {
            if (mono == null) {
                missing = sources.size();
            } else {
                ColdMono.adopt(mono); // valid ones too if another one is null: one error is enough
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
        FirstPlaces firstPlaces = new FirstPlaces(sources);
        int duplicates = 0;
        try {
            for (int i = 0; i < sources.size(); i++) {
                int first = firstPlaces.of(i);
                if (first == i) {
                    slots.add(start(sources.get(i), loop, options));
                } else {
                    slots.add(slots.get(first));
                    duplicates++;
                }
            }
        } catch (RuntimeException | Error e) {
            List<Future<T>> ours = new ArrayList<>();
            for (int i = 0; i < slots.size(); i++) {
                if (isOurs(sources.get(i), slots.get(i))) {
                    ours.add(slots.get(i));
                }
            }
            Future.cancelAll(ours, "Another could not be started: " + Log.text(e));
            throw e;
        }
        List<Future<T>> distinct = duplicates == 0 ? slots : withoutDuplicates(slots);
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

    /** Returns whether it was started for this combinator only, so that its result is used nowhere else. */
    private static boolean isOurs(Mono<?> source, Future<?> child) {
        return source != child;
    }

    /** Passes the results that are used nowhere else, except that of {@code kept}, to the hook for discarded values. */
    void discardResults(@Nullable Future<T> kept) {
        Set<Future<T>> seen = distinct == slots ? null : Collections.newSetFromMap(new IdentityHashMap<>());
        for (int i = 0; i < slots.size(); i++) {
            Future<T> child = slots.get(i);
            if (child != kept && isOurs(sources.get(i), child) && (seen == null || seen.add(child))) {
                Operators.onDiscard(child.resultOrNull(), context);
            }
        }
    }

    /**
     * Finds the first place of each Mono. A hash table of numbers, by identity: in a large table of references each
     * entry costs the garbage collector a card, which is more than all the rest.
     */
    private static final class FirstPlaces {
        /** Fewer Monos are searched linearly. */
        private static final int WORTH_A_TABLE = 16;

        private final List<? extends Mono<?>> sources;
        /** A place plus one, or zero; at most half full. */
        private final int[] table;

        FirstPlaces(List<? extends Mono<?>> sources) {
            this.sources = sources;
            int size = sources.size();
            this.table = new int[size < WORTH_A_TABLE ? 0 : Integer.highestOneBit(Math.min(size, 1 << 28)) * 4];
        }

        /** Returns the first place of the Mono at a place; called in order. */
        int of(int place) {
            Mono<?> source = sources.get(place);
            if (table.length == 0) {
                int first = 0;
                while (sources.get(first) != source) {
                    first++;
                }
                return first;
            }
            int mask = table.length - 1;
            for (int i = System.identityHashCode(source) & mask; ; i = (i + 1) & mask) {
                int before = table[i] - 1;
                if (before < 0) {
                    table[i] = place + 1;
                    return place;
                }
                if (sources.get(before) == source) {
                    return before;
                }
            }
        }
    }
}
