package asyncio.spring;

import java.util.List;
import org.jspecify.annotations.Nullable;
import org.springframework.aot.hint.ExecutableMode;
import org.springframework.aot.hint.MemberCategory;
import org.springframework.aot.hint.ReflectionHints;
import org.springframework.aot.hint.RuntimeHints;
import org.springframework.aot.hint.RuntimeHintsRegistrar;
import org.springframework.aot.hint.TypeReference;

/**
 * Hints for everything the library uses by reflection, since it is not on every JDK: virtual threads, signals, the
 * fields of threads that are cleared between two bodies, the MBean. Without them a native image would silently run
 * bodies on platform threads, without signals.
 */
final class AsyncioRuntimeHints implements RuntimeHintsRegistrar {
    @Override
    public void registerHints(RuntimeHints hints, @Nullable ClassLoader classLoader) {
        ReflectionHints reflection = hints.reflection();
        virtualThreads(reflection);
        signals(hints);
        // ThreadLocalEraser, before Java 24
        reflection.registerType(
                TypeReference.of("sun.misc.Unsafe"),
                type -> type.withField("theUnsafe").withMembers(MemberCategory.INVOKE_PUBLIC_METHODS));
        reflection.registerType(
                Thread.class, type -> type.withField("threadLocals").withField("inheritableThreadLocals"));
        // Management
        reflection.registerType(
                TypeReference.of("asyncio.management.Loops"),
                type -> type.withMembers(
                        MemberCategory.INVOKE_PUBLIC_CONSTRUCTORS, MemberCategory.INVOKE_PUBLIC_METHODS));
        // ThreadLocals checks whether it exists
        reflection.registerTypeIfPresent(classLoader, "io.micrometer.context.ContextRegistry");
        hints.resources().registerPattern("META-INF/services/asyncio.EventLoopPolicy");
    }

    private static void virtualThreads(ReflectionHints reflection) {
        reflection.registerType(Thread.class, type -> {
            type.withMethod("ofVirtual", List.of(), ExecutableMode.INVOKE);
            type.withMethod("isVirtual", List.of(), ExecutableMode.INVOKE);
            type.withMethod("threadId", List.of(), ExecutableMode.INVOKE);
        });
        for (String builder : new String[] {"java.lang.Thread$Builder", "java.lang.Thread$Builder$OfVirtual"}) {
            reflection.registerType(
                    TypeReference.of(builder), type -> type.withMembers(MemberCategory.INVOKE_PUBLIC_METHODS));
        }
        reflection.registerType(
                java.util.concurrent.ThreadFactory.class,
                type -> type.withMembers(MemberCategory.INVOKE_PUBLIC_METHODS));
    }

    private static void signals(RuntimeHints hints) {
        hints.reflection()
                .registerType(
                        TypeReference.of("sun.misc.Signal"),
                        type -> type.withMembers(
                                MemberCategory.INVOKE_PUBLIC_CONSTRUCTORS, MemberCategory.INVOKE_PUBLIC_METHODS))
                .registerType(
                        TypeReference.of("sun.misc.SignalHandler"),
                        type -> type.withMembers(
                                MemberCategory.INVOKE_PUBLIC_METHODS, MemberCategory.ACCESS_PUBLIC_FIELDS));
        hints.proxies().registerJdkProxy(TypeReference.of("sun.misc.SignalHandler"));
    }
}
