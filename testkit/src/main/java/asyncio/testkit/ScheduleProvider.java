package asyncio.testkit;

import java.lang.annotation.Annotation;
import java.lang.reflect.Method;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.stream.LongStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.TestTemplate;
import org.junit.jupiter.api.extension.BeforeEachCallback;
import org.junit.jupiter.api.extension.Extension;
import org.junit.jupiter.api.extension.ExtensionContext;
import org.junit.jupiter.api.extension.TestTemplateInvocationContext;
import org.junit.jupiter.api.extension.TestTemplateInvocationContextProvider;
import org.junit.platform.commons.support.AnnotationSupport;

/** Provides the repetitions of {@link Schedules}, up to the first failure. */
final class ScheduleProvider implements TestTemplateInvocationContextProvider {
    private static final String SEED_PROPERTY = "asyncio.test.seed";

    ScheduleProvider() {}

    /** One repetition of a test. */
    record Schedule(long seed, AtomicBoolean failed) implements TestTemplateInvocationContext, BeforeEachCallback {
        @Override
        public String getDisplayName(int invocationIndex) {
            return "seed " + seed;
        }

        @Override
        public List<Extension> getAdditionalExtensions() {
            return List.of(this);
        }

        @Override
        public void beforeEach(ExtensionContext context) {
            AsyncioExtension.store(context).put(Schedule.class, this);
        }

        /** Adds the schedule to a test's failure. */
        void blame(Throwable failure) {
            failed.set(true);
            failure.addSuppressed(new FailedSchedule(seed));
        }
    }

    /** Never thrown: a suppressed exception of a test's failure that shows how to repeat it. */
    private static final class FailedSchedule extends Exception {
        private static final long serialVersionUID = 1;

        FailedSchedule(long seed) {
            super(
                    "under the schedule of seed " + seed + "; -D" + SEED_PROPERTY + "=" + seed + " repeats it",
                    null,
                    false,
                    false);
        }
    }

    @Override
    public boolean supportsTestTemplate(ExtensionContext context) {
        if (schedules(context).isEmpty()) {
            return false;
        }
        checkAlone(context.getRequiredTestMethod());
        return true;
    }

    /**
     * Rejects another template annotation. Each template would run the method independently: the other one without a
     * schedule, this one without its arguments.
     */
    private static void checkAlone(Method method) {
        for (Annotation annotation : method.getAnnotations()) {
            Class<? extends Annotation> type = annotation.annotationType();
            if (!AnnotationSupport.isAnnotated(type, Schedules.class)
                    && type != Schedules.class
                    && AnnotationSupport.isAnnotated(type, TestTemplate.class)) {
                throw new IllegalStateException("@Schedules cannot be combined with @" + type.getSimpleName() + " on "
                        + method + ": remove one of them, and loop over the arguments in the test, or call it from"
                        + " a separate method for each");
            }
        }
    }

    @Override
    public Stream<TestTemplateInvocationContext> provideTestTemplateInvocationContexts(ExtensionContext context) {
        Schedules schedules = schedules(context).orElseThrow();
        if (schedules.n() < 1) {
            throw new IllegalArgumentException("@Schedules needs n >= 1, not " + schedules.n());
        }
        AtomicBoolean failed = new AtomicBoolean();
        return context.getConfigurationParameter(SEED_PROPERTY)
                .map(seed -> LongStream.of(parse(seed)))
                .orElseGet(() ->
                        LongStream.iterate(schedules.seed(), seed -> seed + 1).limit(schedules.n()))
                .takeWhile(seed -> !failed.get())
                .mapToObj(seed -> new Schedule(seed, failed));
    }

    private static long parse(String seed) {
        try {
            return Long.parseLong(seed.trim());
        } catch (NumberFormatException e) {
            throw new IllegalArgumentException("-D" + SEED_PROPERTY + " must be a whole number, not " + seed, e);
        }
    }

    private static Optional<Schedules> schedules(ExtensionContext context) {
        return AnnotationSupport.findAnnotation(context.getTestMethod(), Schedules.class);
    }
}
