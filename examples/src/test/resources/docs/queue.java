import reactor.core.Disposable;
import java.net.URI;
import java.util.concurrent.ConcurrentHashMap;
import asyncio.queue.PriorityQueue;

record Job(String id) { Long deadline() { return 0L; } }
Queue<Job> jobs;
Job job;
abstract Mono<Void> work(Job job);
abstract Mono<Void> store(List<Job> batch);

abstract Mono<Void> fetch(URI page);
Flux<URI> sitemap;

record Row(String id) {}
interface Connection { Mono<Row> query(String sql); void close(); }
record Quote(String symbol) {}
Quote quote;
Broadcast<Quote> quotes;
abstract Mono<Void> show(Quote quote);
record Config(String level) { boolean isComplete() { return true; } Config with(String key, String value) { return this; } }
Config initial, next;
abstract Mono<Void> apply(Config config);

record Message(String text) {}
interface Driver { void onMessage(Consumer<Message> listener); void pause(); void resume(); void close(); }
Driver driver;
abstract Mono<Void> handle(Message message);

Queue<String> orders, complaints, idle;
String self;
