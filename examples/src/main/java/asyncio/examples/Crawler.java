package asyncio.examples;

import static asyncio.Asyncio.async;
import static asyncio.Asyncio.await;

import asyncio.Task;
import asyncio.TaskGroup;
import asyncio.queue.Queue;
import asyncio.sync.KeyedRateLimiter;
import asyncio.sync.SingleFlight;
import java.io.IOException;
import java.net.URI;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.function.Predicate;
import reactor.core.publisher.Mono;

/**
 * Reads pages and the pages they link to, several at a time, and stores them. A host is asked at a limited rate, its
 * rules are read once, and pages are stored in batches: when the store is slow, the queue before it fills, and reading
 * waits. {@link #stop} drains: what is being read is still stored. One crawler is for one {@link #crawl}, on one loop.
 */
public final class Crawler {
    /** A page, and the addresses that it links to. */
    public record Page(URI address, List<URI> links) {}

    /** The work of a crawl: the pages stored, those that could not be read, and the addresses that were left. */
    public record Summary(int stored, int failed, int left) {}

    /** The network, or a test's. */
    public interface Network {
        /** Reads a page. */
        Mono<Page> read(URI address);

        /** Reads the rules of a host, which are at this address: which of its addresses may be read. */
        Mono<Predicate<URI>> rules(URI robots);
    }

    /** The place for pages. */
    @FunctionalInterface
    public interface Store {
        /** Stores several at once. */
        Mono<Void> save(List<Page> pages);
    }

    /** Is told how far a crawl is. */
    @FunctionalInterface
    public interface Progress {
        /** So many pages are done of those that are known. */
        void at(int done, int known);
    }

    private final Network network;
    private final Store store;
    private final Progress progress;
    private final int most;
    private final KeyedRateLimiter<String> rates;
    private final SingleFlight<String, Predicate<URI>> rules = new SingleFlight<>(Duration.ofHours(1));

    private final Set<URI> known = new HashSet<>();
    private final Queue<URI> frontier = Queue.unbounded(address -> this.left++);
    private final Queue<Page> pages = new Queue<>(100);
    private int stored;
    private int failed;
    private int left;
    private int done;

    /**
     * A crawler that has read nothing yet.
     *
     * @param pause between two requests to one host
     * @param most of how many addresses it takes notice
     */
    public Crawler(Network network, Store store, Progress progress, Duration pause, int most) {
        this.network = network;
        this.store = store;
        this.progress = progress;
        this.most = most;
        this.rates = KeyedRateLimiter.of(1, pause, 1);
    }

    /** Crawls, with so many readers. Cancelling it gives up at once. */
    public Mono<Summary> crawl(List<URI> seeds, int readers) {
        return TaskGroup.scopeBody(group -> {
            Task<Void> storing = group.createTask(store());
            List<Task<Void>> reading = new ArrayList<>();
            for (int i = 0; i < readers; i++) {
                reading.add(group.createTask(async(this::readAll)));
            }
            seeds.forEach(this::add);
            await(frontier.join()); // all that was found has been read, or dropped by stop()
            frontier.shutdown();
            for (Task<Void> reader : reading) {
                await(reader);
            }
            pages.shutdown();
            await(storing);
            return new Summary(stored, failed, left);
        });
    }

    /** Reads nothing more than what is being read, and stores that. On the loop, as a signal's handler is. */
    public void stop() {
        frontier.shutdown(true);
    }

    private void add(URI address) {
        if (!frontier.isShutdown() && known.size() < most && known.add(address)) {
            frontier.putNowait(address);
        }
    }

    private void readAll() throws Exception {
        for (URI address; (address = await(frontier.next())) != null; frontier.taskDone()) {
            try {
                read(address);
            } catch (IOException e) {
                failed++;
            }
            progress.at(++done, known.size());
        }
    }

    private void read(URI address) throws Exception {
        String host = address.getRawAuthority(); // with its port
        URI robots = address.resolve("/robots.txt");
        Predicate<URI> allowed = await(rules.run(host, key -> network.rules(robots))); // by one of the readers, for all
        if (allowed == null || !allowed.test(address)) {
            return;
        }
        Page page = await(rates.withPermit(host, network.read(address)));
        if (page != null) {
            await(pages.put(page)); // waits for the store, if that is slow
            page.links().forEach(this::add);
        }
    }

    private Mono<Void> store() {
        return pages.asBatches(20, Duration.ofMillis(500))
                .concatMap(batch -> store.save(batch).doOnSuccess(saved -> stored += batch.size()), 1)
                .then();
    }
}
