package asyncio;

import java.lang.reflect.Field;
import java.lang.reflect.Modifier;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.ConcurrentModificationException;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;
import org.reactivestreams.Publisher;
import reactor.core.CoreSubscriber;
import reactor.core.Fuseable;
import reactor.core.Scannable;
import reactor.core.publisher.ConnectableFlux;
import reactor.core.publisher.Flux;
import reactor.core.publisher.FluxOperator;
import reactor.core.publisher.GroupedFlux;
import reactor.core.publisher.Hooks;
import reactor.core.publisher.Mono;
import reactor.core.publisher.MonoOperator;

/**
 * Finds Reactor operators that were assembled on a loop and never subscribed to: a forgotten await of a Mono from
 * outside this library. Each operator assembled there becomes the source of a wrapper that only notes the subscription
 * and passes the subscriber on, so that signals and fusion are the operator's own. An operator stands for its parts,
 * sources and fallbacks alike: these are not tracked any more.
 *
 * <p>Publishers without an effect on subscription ({@code just}, {@code empty}, {@code error}) are not tracked, nor are
 * those that cannot be wrapped since they are more than a Mono or Flux.
 */
final class OperatorTracking {
    private static final String HOOK = "asyncio.operators";
    /**
     * The depth of the search for parts through objects that are not tracked themselves: a checkpoint, a lambda in a
     * lambda.
     */
    private static final int DEPTH = 8;
    /** {@code Flux.from(mono)} and the reverse: Reactor unwraps them again, which must still work. */
    private static final Set<String> CONVERSIONS =
            Set.of("FluxSourceMono", "FluxSourceMonoFuseable", "MonoSourceFlux", "MonoSourceFluxFuseable");

    private static final ClassValue<List<Field>> PARTS = new ClassValue<>() {
        @Override
        protected List<Field> computeValue(Class<?> type) {
            return partsOf(type);
        }
    };

    private static volatile Predicate<Publisher<?>> adopter = publisher -> false;

    private OperatorTracking() {}

    /**
     * Turns tracking on or off for the whole process.
     *
     * @param adopter tells a coroutine of this library that it is part of something; true if it was one
     */
    static void turn(boolean on, Predicate<Publisher<?>> adopter) {
        if (on) {
            OperatorTracking.adopter = adopter;
            Hooks.onEachOperator(HOOK, OperatorTracking::assembled);
        } else {
            Hooks.resetOnEachOperator(HOOK);
        }
    }

    /** Returns the publisher that Reactor hands to the user in place of an operator. */
    private static Publisher<Object> assembled(Publisher<Object> operator) {
        if (operator instanceof TrackedOperator || isLeftAlone(operator)) {
            return operator;
        }
        adoptParts(operator, DEPTH);
        Contexts.Running running = Contexts.running();
        if (running == null) {
            return operator;
        }
        LeakOwner loop = running.leaks();
        boolean fuseable = operator instanceof Fuseable;
        if (operator instanceof Mono<Object> mono) {
            if (operator instanceof Callable<?>) {
                return fuseable ? new FuseableCallableMono<>(mono, loop) : new CallableMono<>(mono, loop);
            }
            return fuseable ? new FuseableMono<>(mono, loop) : new TrackedMono<>(mono, loop);
        }
        Flux<Object> flux = (Flux<Object>) operator;
        if (operator instanceof Callable<?>) {
            return fuseable ? new FuseableCallableFlux<>(flux, loop) : new CallableFlux<>(flux, loop);
        }
        return fuseable ? new FuseableFlux<>(flux, loop) : new TrackedFlux<>(flux, loop);
    }

    private static boolean isLeftAlone(Publisher<?> operator) {
        return !(operator instanceof Mono<?> || operator instanceof Flux<?>)
                || operator instanceof Fuseable.ScalarCallable<?>
                || operator instanceof ConnectableFlux<?>
                || operator instanceof GroupedFlux<?, ?>
                || CONVERSIONS.contains(operator.getClass().getSimpleName());
    }

    // ---- parts

    /** Adopts the objects that an operator, or a function that was given to one, refers to. */
    private static void adoptParts(Object whole, int depth) {
        List<Field> fields = PARTS.get(whole.getClass());
        if (fields.isEmpty() && whole instanceof Scannable operator) {
            adoptOrEnter(operator.scanUnsafe(Scannable.Attr.PARENT), depth); // this Java denies access to its fields
        }
        for (Field field : fields) {
            try {
                adoptOrEnter(field.get(whole), depth);
            } catch (IllegalAccessException e) {
                throw new AssertionError(field + " was made accessible", e);
            }
        }
    }

    private static void adoptOrEnter(@Nullable Object part, int depth) {
        if (part == null || depth == 0) {
            return;
        }
        if (part instanceof TrackedOperator operator) {
            operator.subscribed();
        } else if (part instanceof Publisher<?> publisher) {
            if (!adopter.test(publisher)
                    && !(part instanceof Fuseable.ScalarCallable<?>)
                    && part.getClass().getName().startsWith("reactor.")) {
                adoptParts(part, depth - 1);
            }
        } else if (part instanceof Object[] array) {
            adoptElements(array, depth);
        } else if (part instanceof Collection<?> collection) {
            adoptElements(collection, depth);
        } else if (mayCapture(part.getClass())) {
            adoptParts(part, depth - 1);
        }
    }

    private static void adoptElements(Object[] array, int depth) {
        for (Object element : array) {
            if (!(element instanceof Publisher<?>)) {
                return; // a list of values
            }
            adoptOrEnter(element, depth);
        }
    }

    private static void adoptElements(Collection<?> collection, int depth) {
        String type = collection.getClass().getName();
        if (!type.startsWith("java.util.") || type.startsWith("java.util.Collections$")) {
            return; // iterating over a foreign collection, or a view of one, may have side effects
        }
        try {
            for (Object element : collection) {
                if (!(element instanceof Publisher<?>)) {
                    return; // a list of values, of which there may be a million
                }
                adoptOrEnter(element, depth);
            }
        } catch (ConcurrentModificationException e) {
            return; // another thread fills it: perhaps one false report more
        }
    }

    /**
     * Returns whether the class is a lambda or an anonymous class: {@code onErrorResume(e -> fallback)} has the
     * fallback as a part too.
     */
    private static boolean mayCapture(Class<?> type) {
        return type.isHidden() || type.isSynthetic() || type.isAnonymousClass();
    }

    /** Returns the fields that may hold a publisher, or a function that may have captured one. */
    private static List<Field> partsOf(Class<?> type) {
        List<Field> parts = new ArrayList<>();
        for (Class<?> c = type; c != null && c != Object.class; c = c.getSuperclass()) {
            for (Field field : c.getDeclaredFields()) {
                if (!Modifier.isStatic(field.getModifiers())
                        && mayHoldParts(field.getType())
                        && field.trySetAccessible()) {
                    parts.add(field);
                }
            }
        }
        return parts;
    }

    private static boolean mayHoldParts(Class<?> type) {
        return type.isInterface()
                || type == Object.class
                || Publisher.class.isAssignableFrom(type)
                || type.isArray() && !type.getComponentType().isPrimitive();
    }

    // ---- reports

    /** {@code Mono map(...) made at Feed.read(Feed.java:12)}. */
    static String describe(String type, Origin origin) {
        boolean insideReactor = false;
        String method = "";
        for (StackTraceElement frame : origin.getStackTrace()) {
            if (frame.getClassName().startsWith("reactor.")) {
                insideReactor = true;
                method = frame.getMethodName();
            } else if (insideReactor && !DebugMode.isOurs(frame.getClassName())) {
                return type + " " + method + "(...) made at " + frame;
            }
        }
        return type + " made at an unknown place";
    }

    // ---- wrappers, one for each combination of interfaces that Reactor tests for

    private static final class UnusedOperator extends LeakDetector.Leak {
        private final String type;

        UnusedOperator(Object operator, String type, LeakOwner loop) {
            super(operator, loop);
            this.type = type;
        }

        @Override
        String description() {
            return describe(type, Objects.requireNonNull(origin));
        }
    }

    private static class TrackedMono<T> extends MonoOperator<T, T> implements TrackedOperator {
        private @Nullable UnusedOperator leak;

        TrackedMono(Mono<T> source, LeakOwner loop) {
            super(source);
            leak = new UnusedOperator(this, "Mono", loop);
        }

        @Override
        public void subscribed() {
            UnusedOperator leak = this.leak;
            if (leak != null) {
                this.leak = null;
                leak.close();
            }
        }

        @Override
        public void subscribe(CoreSubscriber<? super T> actual) {
            subscribed();
            source.subscribe(actual);
        }

        /** Notes the subscription here: a Callable's block() does not subscribe. */
        @Override
        public @Nullable T block() {
            subscribed();
            return source.block();
        }

        @Override
        public @Nullable T block(Duration timeout) {
            subscribed();
            return source.block(timeout);
        }

        @Override
        @SuppressWarnings("rawtypes")
        public @Nullable Object scanUnsafe(Attr key) {
            return key == Attr.PARENT ? source : Scannable.from(source).scanUnsafe(key);
        }

        @Override
        public String stepName() {
            return Scannable.from(source).stepName();
        }

        @Override
        public String toString() {
            return source.toString();
        }
    }

    private static final class FuseableMono<T> extends TrackedMono<T> implements Fuseable {
        FuseableMono(Mono<T> source, LeakOwner loop) {
            super(source, loop);
        }
    }

    private static class CallableMono<T> extends TrackedMono<T> implements Callable<T> {
        CallableMono(Mono<T> source, LeakOwner loop) {
            super(source, loop);
        }

        @Override
        @SuppressWarnings("unchecked")
        public T call() throws Exception {
            subscribed();
            return ((Callable<T>) source).call();
        }
    }

    private static final class FuseableCallableMono<T> extends CallableMono<T> implements Fuseable {
        FuseableCallableMono(Mono<T> source, LeakOwner loop) {
            super(source, loop);
        }
    }

    private static class TrackedFlux<T> extends FluxOperator<T, T> implements TrackedOperator {
        private @Nullable UnusedOperator leak;

        TrackedFlux(Flux<T> source, LeakOwner loop) {
            super(source);
            leak = new UnusedOperator(this, "Flux", loop);
        }

        @Override
        public void subscribed() {
            UnusedOperator leak = this.leak;
            if (leak != null) {
                this.leak = null;
                leak.close();
            }
        }

        @Override
        public void subscribe(CoreSubscriber<? super T> actual) {
            subscribed();
            source.subscribe(actual);
        }

        @Override
        public int getPrefetch() {
            return source.getPrefetch();
        }

        @Override
        @SuppressWarnings("rawtypes")
        public @Nullable Object scanUnsafe(Attr key) {
            return key == Attr.PARENT ? source : Scannable.from(source).scanUnsafe(key);
        }

        @Override
        public String stepName() {
            return Scannable.from(source).stepName();
        }

        @Override
        public String toString() {
            return source.toString();
        }
    }

    private static final class FuseableFlux<T> extends TrackedFlux<T> implements Fuseable {
        FuseableFlux(Flux<T> source, LeakOwner loop) {
            super(source, loop);
        }
    }

    private static class CallableFlux<T> extends TrackedFlux<T> implements Callable<T> {
        CallableFlux(Flux<T> source, LeakOwner loop) {
            super(source, loop);
        }

        @Override
        @SuppressWarnings("unchecked")
        public T call() throws Exception {
            subscribed();
            return ((Callable<T>) source).call();
        }
    }

    private static final class FuseableCallableFlux<T> extends CallableFlux<T> implements Fuseable {
        FuseableCallableFlux(Flux<T> source, LeakOwner loop) {
            super(source, loop);
        }
    }
}
