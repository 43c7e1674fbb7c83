import static org.springframework.http.HttpStatus.TOO_MANY_REQUESTS;
import java.util.concurrent.TimeoutException;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.PathVariable;
import org.springframework.web.bind.annotation.RestController;
import org.springframework.web.reactive.function.client.WebClient;
import org.springframework.web.server.ResponseStatusException;

record Page(String text) {}
interface Pages { Mono<Void> save(Page page); }
Pages repository;
Page page;
Lock lock;
Deque<Runnable> jobs;
Runnable job;
void run(Runnable job) {}

record Quote(String symbol) {}
KeyedLock<String> turns;
Mono<Quote> paced;
String customer;
Client client;
String url;
interface Client { Mono<Page> get(String url); }
abstract Mono<Page> load();
abstract Mono<Void> save(Page page);
record UserId(String id) {}
record Order(UserId user) {}
abstract Mono<Void> write(Page page);
record Receipt(Order order) {}
abstract Mono<Receipt> charge(Order order);
Order order;
Deque<Page> items;
void use(Page page) {}
void log(String text) {}
RateLimiter limiter;
RateLimiter tenASecond;
KeyedRateLimiter<String> perHost;
String host;
List<String> urls;
SingleFlight<String, Page> flights;
abstract Page parse(Page page);
abstract Mono<Page> load(String url);
interface Cache<K, V> { V getIfPresent(K key); void put(K key, V value); }
Cache<String, Page> cache;
