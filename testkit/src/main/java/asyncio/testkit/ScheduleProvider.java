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

/** The repetitions of {@link Schedules}, up to the first that fails. */
final class ScheduleProvider implements TestTemplateInvocationContextProvider {
    private static final String SEED_PROPERTY = "asyncio.test.seed";

    ScheduleProvider() {}

    /** One repetition, as its test knows it. */
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

        /** Marks what a test failed with. */
        void blame(Throwable failure) {
            failed.set(true);
            failure.addSuppressed(new FailedSchedule(seed));
        }
    }

    /** Not thrown: stands below the failure of a test and tells how to repeat it. */
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
     * Each template would run the method by itself: the other one without a schedule, this one without its arguments.
     */
    private static void checkAlone(Method method) {
        for (Annotation annotation : method.getAnnotations()) {
            Class<? extends Annotation> type = annotation.annotationType();
            if (!AnnotationSupport.isAnnotated(type, Schedules.class)
                    && type != Schedules.class
                    && AnnotationSupport.isAnnotated(type, TestTemplate.class)) {
                throw new IllegalStateException("@Schedules cannot be combined with @" + type.getSimpleName() + " on "
                        + method + ": take one of them away, and loop over the arguments in the test, or call it from"
                        + " one method for each");
            }
        }
    }

    @Override
    public Stream<TestTemplateInvocationContext> provideTestTemplateInvocationContexts(ExtensionContext context) {
        Schedules schedules = schedules(context).orElseThrow();
        if (schedules.n() < 1) {
            throw new IllegalArgumentException("@Schedules(n = " + schedules.n() + "): 1 at least");
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
