package asyncio.testkit;

import asyncio.EventLoop;
import asyncio.TaskGroup;
import java.lang.annotation.Annotation;
import java.lang.reflect.Method;
import java.time.Duration;
import java.time.format.DateTimeParseException;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.extension.AfterEachCallback;
import org.junit.jupiter.api.extension.ExtensionContext;
import org.junit.jupiter.api.extension.InvocationInterceptor;
import org.junit.jupiter.api.extension.ParameterContext;
import org.junit.jupiter.api.extension.ParameterResolutionException;
import org.junit.jupiter.api.extension.ParameterResolver;
import org.junit.jupiter.api.extension.ReflectiveInvocationContext;
import org.junit.platform.commons.support.AnnotationSupport;
import org.opentest4j.TestAbortedException;

/**
 * Runs the tests of a class, or a single method, as bodies that may {@code await}: {@code @Test},
 * {@code @ParameterizedTest}, {@code @RepeatedTest}, and their {@code @BeforeEach} and {@code @AfterEach} methods. Each
 * test has a {@link VirtualTimeLoop}, on which these methods run one after the other; after the last one it is checked
 * for leaks. {@link AsyncioTest} and {@link Schedules} include this extension.
 *
 * <pre>{@code
 * @ExtendWith(AsyncioExtension.class)
 * class ServerTest {
 *     Server server;
 *
 *     @BeforeEach
 *     void start() throws Exception {
 *         server = await(Streams.startServerBody(new ChatServer()::serve, "127.0.0.1", 0));
 *     }
 *
 *     @ParameterizedTest
 *     @ValueSource(ints = {1, 10, 100})
 *     void answers(int clients, TaskGroup group) throws Exception {
 *         for (int i = 0; i < clients; i++) {
 *             group.createTask(new ChatClient(this::connect).say("hello"));
 *         }
 *     }
 *
 *     Mono<StreamConnection> connect() {
 *         return Streams.openConnection("127.0.0.1", server.port());
 *     }
 *
 *     @AfterEach
 *     void stop() throws Exception {
 *         await(server.closeAndWait());
 *     }
 * }
 * }</pre>
 *
 * <p>Parameters of these methods may be an {@link EventLoop}, the {@link TestClock}, and a {@link TaskGroup}, which
 * lasts for the method: it ends when the method and all its tasks have ended. A task that fails cancels the method; the
 * test then fails with an {@link asyncio.ExceptionGroup}, or with the assertion that failed in the task.
 * {@link TimeLimit} and {@link IgnoreLeaks} change the settings.
 *
 * <p>Like all bodies, these methods do not run on JUnit's threads: ThreadLocals of extensions are not visible there.
 * {@code @BeforeAll}, {@code @AfterAll}, constructors and {@code @TestFactory} methods are not run as bodies.
 */
public final class AsyncioExtension implements InvocationInterceptor, ParameterResolver, AfterEachCallback {
    private static final ExtensionContext.Namespace NAMESPACE =
            ExtensionContext.Namespace.create(AsyncioExtension.class);
    private static final Set<Class<?>> PARAMETERS = Set.of(EventLoop.class, TaskGroup.class, TestClock.class);

    /** Called by JUnit. */
    public AsyncioExtension() {}

    static ExtensionContext.Store store(ExtensionContext context) {
        return context.getStore(NAMESPACE);
    }

    private static TestRun run(ExtensionContext context) {
        return store(context).getOrComputeIfAbsent(TestRun.class, key -> begin(context), TestRun.class);
    }

    private static TestRun begin(ExtensionContext context) {
        VirtualTimeLoop.Builder builder = VirtualTimeLoop.builder()
                .name(context.getRequiredTestClass().getSimpleName() + "."
                        + context.getRequiredTestMethod().getName() + "()");
        ScheduleProvider.Schedule schedule = schedule(context);
        if (schedule != null) {
            builder.seed(schedule.seed());
        }
        find(context, TimeLimit.class)
                .ifPresent(limit -> builder.virtualLimit(parse(limit.virtual())).realLimit(parse(limit.real())));
        find(context, IgnoreLeaks.class).ifPresent(ignored -> builder.ignoreLeaks(ignored.value()));
        return new TestRun(builder.build());
    }

    private static ScheduleProvider.@Nullable Schedule schedule(ExtensionContext context) {
        return store(context).get(ScheduleProvider.Schedule.class, ScheduleProvider.Schedule.class);
    }

    /** Finds an annotation on the method, or else on the class or an enclosing class. */
    private static <A extends Annotation> Optional<A> find(ExtensionContext context, Class<A> annotation) {
        Optional<A> found = AnnotationSupport.findAnnotation(context.getTestMethod(), annotation);
        Class<?> type = context.getRequiredTestClass();
        while (found.isEmpty() && type != null) {
            found = AnnotationSupport.findAnnotation(type, annotation);
            type = type.getEnclosingClass();
        }
        return found;
    }

    private static Duration parse(String text) {
        String duration = text.trim().toUpperCase(Locale.ROOT);
        try {
            return Duration.parse(duration.startsWith("P") ? duration : "PT" + duration.replace(" ", ""));
        } catch (DateTimeParseException e) {
            throw new IllegalArgumentException("@TimeLimit takes durations such as 90s or 1h30m, not " + text, e);
        }
    }

    // ---- bodies

    @Override
    public void interceptBeforeEachMethod(
            Invocation<Void> method, ReflectiveInvocationContext<Method> invocationContext, ExtensionContext context)
            throws Throwable {
        runAsBody(method, context);
    }

    @Override
    public void interceptTestMethod(
            Invocation<Void> method, ReflectiveInvocationContext<Method> invocationContext, ExtensionContext context)
            throws Throwable {
        if (AnnotationSupport.isAnnotated(invocationContext.getExecutable(), Schedules.class)) {
            method.skip();
            throw new IllegalStateException("@Schedules makes " + invocationContext.getExecutable()
                    + " a test by itself: remove @Test or @AsyncioTest");
        }
        runAsBody(method, context);
    }

    @Override
    public void interceptTestTemplateMethod(
            Invocation<Void> method, ReflectiveInvocationContext<Method> invocationContext, ExtensionContext context)
            throws Throwable {
        runAsBody(method, context);
    }

    @Override
    public void interceptAfterEachMethod(
            Invocation<Void> method, ReflectiveInvocationContext<Method> invocationContext, ExtensionContext context)
            throws Throwable {
        runAsBody(method, context);
    }

    private static void runAsBody(Invocation<Void> method, ExtensionContext context) throws Exception {
        run(context).run(() -> {
            try {
                method.proceed();
            } catch (Throwable e) {
                throw VirtualTimeLoop.sneaky(e);
            }
        });
    }

    // ---- parameters

    @Override
    public boolean supportsParameter(ParameterContext parameter, ExtensionContext context) {
        return PARAMETERS.contains(parameter.getParameter().getType())
                && parameter.getDeclaringExecutable() instanceof Method
                && context.getTestMethod().isPresent();
    }

    @Override
    public Object resolveParameter(ParameterContext parameter, ExtensionContext context) {
        TestRun run = run(context);
        Class<?> type = parameter.getParameter().getType();
        if (type == EventLoop.class) {
            return run.time.loop();
        }
        if (type == TestClock.class) {
            return run.time.clock();
        }
        try {
            return run.openGroup();
        } catch (Exception e) {
            throw new ParameterResolutionException("Cannot open a TaskGroup for " + parameter, e);
        }
    }

    // ---- the end

    @Override
    public void afterEach(ExtensionContext context) {
        TestRun run = store(context).get(TestRun.class, TestRun.class);
        if (run == null) {
            return; // another extension has failed earlier
        }
        ScheduleProvider.Schedule schedule = schedule(context);
        Throwable failure = context.getExecutionException().orElse(null);
        if (schedule != null && failure != null && !(failure instanceof TestAbortedException)) {
            schedule.blame(failure);
        }
        try {
            run.time.close(); // JUnit adds an exception from here to that of the test
        } catch (LeakError e) {
            if (schedule != null && failure == null) {
                schedule.blame(e);
            }
            throw e;
        }
    }
}
