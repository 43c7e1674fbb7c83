import io.netty.util.concurrent.Ticker;

interface Session { Mono<String> query(String line); }
abstract Mono<Session> openSession();
BufferedReader console;
EventLoop loop;
void reload() {}
record User(String id) {}
interface Users { Mono<User> find(String id); }
Users users;
String id;
interface Metrics { void increment(String name); }
Metrics metrics;
