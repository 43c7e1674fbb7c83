package shop;

import io.micrometer.context.ContextRegistry;
import org.slf4j.MDC;
import org.springframework.boot.SpringApplication;
import org.springframework.boot.autoconfigure.SpringBootApplication;
import org.springframework.scheduling.annotation.EnableScheduling;

/** The application: a shop that asks its suppliers, and sends mails in the background. */
@SpringBootApplication
@EnableScheduling
public class Shop {
    /** The key of the order's number in the log, in Reactor's context and in the MDC. */
    static final String ORDER = "order";

    static {
        ContextRegistry.getInstance()
                .registerThreadLocalAccessor(
                        ORDER, () -> MDC.get(ORDER), value -> MDC.put(ORDER, value), () -> MDC.remove(ORDER));
    }

    public static void main(String[] args) {
        SpringApplication.run(Shop.class, args);
    }
}
