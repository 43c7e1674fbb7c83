package asyncio.spring;

import java.lang.annotation.Documented;
import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;
import org.springframework.aot.hint.annotation.Reflective;

/**
 * Makes a method of a bean the work of a {@link WorkerPool}, which {@link WorkerPools} has under the given name. The
 * method has one parameter, the item, and returns a {@code Publisher}, such as the Mono of a body.
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
    /** Returns the name of the pool; empty for that of the method. */
    String name() default "";

    /** Returns how many items are worked on at a time. */
    int workers() default 1;

    /** Returns how many items wait before who submits one does. */
    int capacity() default 1000;

    /** Returns how long the workers may go on at the end: {@code 20s}; placeholders are replaced. */
    String drainTimeout() default "20s";
}
