import static asyncio.bridge.Cancellation.*;
import asyncio.examples.LegacyExchange;
import asyncio.examples.LegacyExchange.Quote;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ScheduledFuture;

static final Duration PATIENCE = Duration.ofSeconds(2);
LegacyExchange exchange;
abstract Mono<Quote> quote(String symbol);

record Row(String id) {}
interface Driver { CompletionStage<Row> queryAsync(String sql); }
Driver driver;
String sql;
Path path, copy;
java.net.Socket socket;
interface Jdbc { Row queryForObject(String sql); }
Jdbc jdbc;

record Reply(String text) {}
interface Call { void abort(); }
interface Client { Call send(String request, Consumer<Reply> success, Consumer<Throwable> failure); }
Client client;
String request;

record Page(String text) {}
abstract Mono<Page> fetch(String url);
String url, url2;
java.nio.channels.AsynchronousFileChannel channel;
java.nio.ByteBuffer buffer;
