package asyncio.spring;

import java.lang.reflect.Method;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;
import org.reactivestreams.Publisher;
import org.springframework.aop.support.AopUtils;
import org.springframework.beans.factory.config.BeanPostProcessor;
import org.springframework.boot.convert.DurationStyle;
import org.springframework.context.EmbeddedValueResolverAware;
import org.springframework.context.SmartLifecycle;
import org.springframework.core.MethodIntrospector;
import org.springframework.core.annotation.AnnotatedElementUtils;
import org.springframework.util.ClassUtils;
import org.springframework.util.ReflectionUtils;
import org.springframework.util.StringValueResolver;

/**
 * The {@link WorkerPool worker pools} of methods annotated with {@link AsyncioWorker}, in the lifecycle of their
 * application context. Thread-safe.
 *
 * <pre>{@code
 * Orders(WorkerPools pools) {
 *     mails = pools.get("mails", Mail.class);
 * }
 * }</pre>
 *
 * @since 0.1
 */
public final class WorkerPools implements BeanPostProcessor, EmbeddedValueResolverAware, SmartLifecycle {
    private record Named(WorkerPool<Object> pool, Class<?> itemType, String method) {}

    private final Map<String, Named> pools = new ConcurrentHashMap<>();
    private @Nullable StringValueResolver resolver;
    /** Whether the context is running; the pool of a later bean is then started immediately. Guarded by this. */
    private boolean running;

    WorkerPools() {}

    /**
     * Returns the pool of a name. It accepts no items before the application context has started.
     *
     * @throws IllegalArgumentException if there is none, or its items have another type
     */
    @SuppressWarnings("unchecked") // its method takes items of the type
    public <T> WorkerPool<T> get(String name, Class<T> itemType) {
        Named named = pools.get(name);
        if (named == null) {
            throw new IllegalArgumentException(
                    "No bean created so far has an @AsyncioWorker named " + name + "; known are " + pools.keySet());
        }
        if (!ClassUtils.isAssignable(named.itemType, itemType)) {
            throw new IllegalArgumentException("Items of worker pool " + name + " are " + named.itemType.getName()
                    + ", not " + itemType.getName());
        }
        return (WorkerPool<T>) named.pool;
    }

    // ---- finding the methods

    @Override
    public void setEmbeddedValueResolver(StringValueResolver resolver) {
        this.resolver = resolver;
    }

    @Override
    public Object postProcessAfterInitialization(Object bean, String beanName) {
        Class<?> type = AopUtils.getTargetClass(bean);
        if (type.getName().startsWith("org.springframework.")) {
            return bean;
        }
        Map<Method, AsyncioWorker> methods =
                MethodIntrospector.selectMethods(type, (MethodIntrospector.MetadataLookup<AsyncioWorker>)
                        method -> AnnotatedElementUtils.findMergedAnnotation(method, AsyncioWorker.class));
        methods.forEach((method, worker) -> add(bean, method, worker));
        return bean;
    }

    private void add(Object bean, Method found, AsyncioWorker worker) {
        String text = found.toGenericString();
        if (found.getParameterCount() != 1 || !Publisher.class.isAssignableFrom(found.getReturnType())) {
            throw new IllegalStateException("A method with @AsyncioWorker has one parameter, the item, and returns a"
                    + " Publisher, such as the Mono of async(...): " + text);
        }
        Method method = AopUtils.selectInvocableMethod(found, bean.getClass());
        ReflectionUtils.makeAccessible(method);
        String name = worker.name().isEmpty() ? found.getName() : worker.name();
        WorkerPool<Object> pool = WorkerPool.builder(name, item -> call(method, bean, item))
                .workers(worker.workers())
                .capacity(worker.capacity())
                .drainTimeout(DurationStyle.detectAndParse(resolve(worker.drainTimeout())))
                .build();
        Named before = pools.putIfAbsent(name, new Named(pool, found.getParameterTypes()[0], text));
        if (before != null) {
            throw new IllegalStateException(
                    "Two methods are @AsyncioWorker(name = \"" + name + "\"): " + before.method + " and " + text);
        }
        synchronized (this) {
            if (running) {
                pool.start();
            }
        }
    }

    private String resolve(String text) {
        String resolved = resolver == null ? text : resolver.resolveStringValue(text);
        return Objects.requireNonNull(resolved, () -> text + " is null");
    }

    private static Publisher<?> call(Method method, Object bean, Object item) {
        return (Publisher<?>) Objects.requireNonNull(
                ReflectionUtils.invokeMethod(method, bean, item), () -> method + " returned null");
    }

    // ---- lifecycle

    @Override
    public synchronized void start() {
        running = true;
        pools.values().forEach(named -> named.pool.start());
    }

    @Override
    public void stop(Runnable callback) {
        List<Named> stopping;
        synchronized (this) {
            running = false;
            stopping = List.copyOf(pools.values());
        }
        AtomicInteger left = new AtomicInteger(stopping.size() + 1);
        Runnable stopped = () -> {
            if (left.decrementAndGet() == 0) {
                callback.run();
            }
        };
        stopping.forEach(named -> named.pool.stop(stopped));
        stopped.run();
    }

    @Override
    public void stop() {
        BlockingStop.of(this);
    }

    @Override
    public synchronized boolean isRunning() {
        return running;
    }

    @Override
    public int getPhase() {
        return WorkerPool.PHASE;
    }
}
