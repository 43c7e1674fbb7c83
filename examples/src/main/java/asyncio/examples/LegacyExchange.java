package asyncio.examples;

import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArraySet;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.TimeUnit;
import java.util.function.BiConsumer;
import java.util.function.Consumer;

/**
 * A client of a kind that many companies have: older than reactive streams, callbacks only, with its own threads. It
 * stands for the library that {@link LegacyEndpoint} bridges, and knows nothing of asyncio or Reactor.
 */
public final class LegacyExchange implements AutoCloseable {
    /** The price of a share. */
    public record Quote(String symbol, long cents) {}

    private final ScheduledExecutorService threads = Executors.newScheduledThreadPool(2, job -> {
        Thread thread = new Thread(job, "legacy-exchange");
        thread.setDaemon(true);
        return thread;
    });
    private final Map<String, Long> prices = new ConcurrentHashMap<>(Map.of("ACME", 1999L, "INIT", 4200L));
    private final Set<BiConsumer<String, Long>> tickers = new CopyOnWriteArraySet<>();
    private final Set<ScheduledFuture<?>> pending = ConcurrentHashMap.newKeySet();

    /** A client that is connected. */
    public LegacyExchange() {}

    /** Requests a price; later calls one of the two callbacks, on its own thread. */
    public ScheduledFuture<?> request(String symbol, Consumer<Quote> success, Consumer<Exception> failure) {
        pending.removeIf(ScheduledFuture::isDone);
        ScheduledFuture<?> call = threads.schedule(
                () -> {
                    Long price = prices.get(symbol);
                    if (price == null) {
                        failure.accept(new IllegalArgumentException("Nobody trades " + symbol));
                    } else {
                        success.accept(new Quote(symbol, price));
                    }
                },
                symbol.equals("SLOW") ? 3_600_000 : 5,
                TimeUnit.MILLISECONDS);
        pending.add(call);
        return call;
    }

    /** Calls back at each change of a price, until {@link #removeTicker}. */
    public void addTicker(BiConsumer<String, Long> ticker) {
        tickers.add(ticker);
    }

    /** Undoes {@link #addTicker}. */
    public void removeTicker(BiConsumer<String, Long> ticker) {
        tickers.remove(ticker);
    }

    /** Changes a price, and notifies the tickers. */
    public void trade(String symbol, long cents) {
        prices.put(symbol, cents);
        tickers.forEach(ticker -> ticker.accept(symbol, cents));
    }

    /** Returns the number of listeners. */
    public int tickers() {
        return tickers.size();
    }

    /** Returns the number of requests that have not been answered or cancelled. */
    public long pending() {
        return pending.stream().filter(call -> !call.isDone()).count();
    }

    @Override
    public void close() {
        threads.shutdownNow();
    }
}
