import static org.junit.jupiter.api.Assertions.assertEquals;
import asyncio.sync.Lock;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import reactor.test.StepVerifier;
import reactor.util.retry.Retry;

interface Client { Mono<String> fetch(); }
Client client;
interface Account { int balance(); }
Account a, b;
abstract Mono<Void> transfer(Account from, Account to);

MemoryNetwork network;
MemoryServer server;
abstract Object handle(StreamConnection connection);
abstract Object client();

EventLoop loop;
abstract Flux<String> heartbeats(reactor.core.scheduler.Scheduler scheduler);
Task<String> task;
Future<Void> gate;
Lock lock;
interface Service { Mono<Integer> ask(); }
Service service;
