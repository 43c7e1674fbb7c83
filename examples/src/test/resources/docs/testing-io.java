import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assertions.assertEquals;
import asyncio.sync.Lock;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import reactor.core.scheduler.Scheduler;
import reactor.test.StepVerifier;

record Reply(String text) {}
static class Client {
    Client(StreamConnection connection) {}
    Mono<Reply> ask(String question) { return Mono.empty(); }
    Mono<Reply> fetch() { return Mono.empty(); }
}
static class ChatServer {
    void serve(StreamConnection connection) {}
}
static class ChatClient {
    ChatClient(Supplier<Mono<StreamConnection>> connect) {}
    Mono<Void> say(String text) { return Mono.empty(); }
}
int length;
byte[] input;

Client client;
interface WebServer { int requests(); }
WebServer server;
interface Account { int balance(); }
Account a, b;
abstract Mono<Void> transfer(Account from, Account to);
EventLoop loop;
VirtualTimeLoop time;
TestClock clock;
abstract Flux<String> heartbeats(Scheduler scheduler);
Lock lock;
final StreamConnection connection = null;
abstract Mono<Void> serve(StreamConnection connection);
record Row(String id) {}
interface Database { Mono<Row> find(String id); }
Database database;
String id;
