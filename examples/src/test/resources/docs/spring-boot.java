import org.springframework.stereotype.Component;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.PathVariable;
import org.springframework.web.bind.annotation.PostMapping;
import org.springframework.web.bind.annotation.RequestBody;
import org.springframework.web.bind.annotation.RestController;

@interface SpringBootApplication {}
@interface AsyncioWorker { String name(); int workers(); int capacity(); String drainTimeout(); }
static class SpringApplication { static void run(Class<?> type, String... args) {} }
interface WorkerPool<T> { Mono<Void> submit(T item); }
interface WorkerPools { <T> WorkerPool<T> get(String name, Class<T> type); }
record Order(String id) {}
record Mail(Order order) {}
interface Smtp { Mono<Void> send(Mail mail); }
Smtp smtp;
