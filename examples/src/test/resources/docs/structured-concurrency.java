import reactor.util.retry.Retry;

record User(String id) {}
record Cart(String id) {}
record Page(User user, Cart cart) {}
interface Users { Mono<User> find(String id); }
interface Carts { Mono<Cart> of(String id); }
Users users;
Carts carts;
String id, sql;
abstract Mono<Page> render(String id);
Page placeholder;
abstract Mono<Void> feed(String name);
TaskGroup group;
EventLoop loop;
StreamReader reader;
ConnectionHandler handler;

record Row(String id) {}
interface Connection { Mono<Row> query(String sql); Mono<Void> release(); Mono<Void> rollback(); Mono<Void> update(String sql); }
interface Pool { Mono<Connection> acquire(); }
Pool pool;
Connection connection;
List<String> links;
abstract void stopButton(Runnable stop);
