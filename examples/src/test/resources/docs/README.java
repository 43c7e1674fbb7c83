import io.netty.util.concurrent.Ticker;
import reactor.util.retry.Retry;

record User(String id) {}
record Order(String id) {}
record Page(User user, List<Order> orders) {}
record Html(String text) {}
interface Users { Mono<User> find(String id); }
interface Orders { Mono<List<Order>> of(String id); }
Users users;
Orders orders, orderService;
String id;
Page render(Page page) { return page; }

record Reply(String text) {}
interface Call { void abort(); }
interface Client { Call send(String request, Consumer<Reply> success, Consumer<Throwable> failure); }
Client client;
String request;
abstract Mono<Page> fetch(String url);
abstract Mono<Page> render(String id);
List<String> urls;
Mono<User> user;
Mono<Page> page;
Page placeholder;
abstract Mono<Void> feed(String name);

record Receipt(Order order) {}
abstract Mono<Receipt> book(Order order);
Order order;
abstract void log(Object what);
List<Task<Page>> tasks;

record Row(String id) {}
interface Connection { Mono<Row> query(String sql); Mono<Void> update(String sql); Mono<Void> release(); Mono<Void> rollback(); }
interface Pool { Mono<Connection> acquire(); }
abstract Mono<Connection> open(String address);
Connection connection;
Pool pool;
String sql;
List<String> queries;
Flux<Row> table;
abstract Mono<Void> store(Row row);

abstract Object uploadAll(TaskGroup group);
abstract void retryLater(List<? extends Throwable> failures);
abstract void tick();
interface Session { Mono<String> query(String line); }
abstract Mono<Session> openSession();
BufferedReader console;
interface Metrics { void increment(String name); void failed(Throwable error); }
Metrics metrics;
EventLoop loop;
TaskGroup group;
ConnectionHandler handler;
StreamReader reader;
Future<Reply> reply;
abstract Mono<Reply> ask();

java.nio.ByteBuffer buffer;
Exception error;
io.netty.channel.Channel channel;
reactor.util.context.Context context;
Runnable callback;
java.nio.channels.SocketChannel socket;
