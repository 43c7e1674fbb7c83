package asyncio.spring;

import java.lang.annotation.Documented;
import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;
import org.springframework.aot.hint.annotation.Reflective;

/**
 * Marks a method of a bean as the work of a {@link WorkerPool}, which {@link WorkerPools} provides under the given
 * name. The method has one parameter, the item, and returns a {@code Publisher}, such as the Mono of a body.
 *
 * <pre>{@code
 * @AsyncioWorker(name = "mails", workers = 4)
 * Mono<Void> send(Mail mail) {
 *     return async(() -> { await(smtp.send(mail)); });
 * }
 * }</pre>
 *
 * @since 0.1
 */
@Documented
@Reflective
@Target(ElementType.METHOD)
@Retention(RetentionPolicy.RUNTIME)
public @interface AsyncioWorker {
    /** Returns the name of the pool; empty for the name of the method. */
    String name() default "";

    /** Returns the number of items processed at a time. */
    int workers() default 1;

    /** Returns the capacity of the queue; submitting waits while it is full. */
    int capacity() default 1000;

    /** Returns the time to drain the queue at shutdown: {@code 20s}; placeholders are replaced. */
    String drainTimeout() default "20s";
}
