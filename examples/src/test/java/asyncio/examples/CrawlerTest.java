package asyncio.examples;

import static asyncio.Asyncio.await;
import static asyncio.Asyncio.createTask;
import static asyncio.Asyncio.sleep;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import asyncio.Asyncio;
import asyncio.CancelledException;
import asyncio.EventLoop;
import asyncio.Task;
import asyncio.examples.Crawler.Page;
import asyncio.examples.Crawler.Summary;
import asyncio.testkit.Schedules;
import java.io.IOException;
import java.net.URI;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Predicate;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import reactor.core.publisher.Mono;
import reactor.netty.DisposableServer;
import reactor.netty.http.client.HttpClient;
import reactor.netty.http.server.HttpServer;

/** A crawl of three hosts in memory, in virtual time, under a thousand schedules. */
class CrawlerTest {
    private static final Duration PAUSE = Duration.ofMillis(200);
    private static final int PAGES = 12;

    /** Three hosts of twelve pages, each of which links to some of its own host and to the next host. */
    private static final class Web implements Crawler.Network {
        private final Map<String, List<Duration>> requests = new HashMap<>();
        private final Map<String, Integer> rulesRead = new HashMap<>();
        private final Set<URI> begun = new HashSet<>();
        private final Set<URI> ended = new HashSet<>();

        static URI address(int host, int page) {
            return URI.create("http://host" + host % 3 + "/page/" + page % PAGES);
        }

        @Override
        public Mono<Page> read(URI address) {
            return Mono.defer(() -> {
                String host = address.getHost();
                requests.computeIfAbsent(host, h -> new ArrayList<>())
                        .add(EventLoop.getRunningLoop().time());
                assertThat(begun.add(address)).as("%s is read once", address).isTrue();
                int h = host.charAt(4) - '0';
                int p = Integer.parseInt(address.getPath().substring("/page/".length()));
                Mono<Page> page = p == 7
                        ? Mono.error(new IOException("no " + address))
                        : Mono.just(new Page(
                                address,
                                List.of(address(h, p + 1), address(h, 2 * p), address(h, 3), address(h + 1, p))));
                return sleep(Duration.ofMillis(10 + 37 * (p % 4))).then(page).doOnSuccess(read -> ended.add(address));
            });
        }

        @Override
        public Mono<Predicate<URI>> rules(URI robots) {
            return Mono.defer(() -> {
                rulesRead.merge(robots.getHost(), 1, Integer::sum);
                return sleep(Duration.ofMillis(30))
                        .thenReturn(address -> !address.getPath().equals("/page/11"));
            });
        }
    }

    /** Takes a second for a batch, one at a time. */
    private static final class Disk implements Crawler.Store {
        private final List<Page> saved = new ArrayList<>();
        private boolean busy;

        @Override
        public Mono<Void> save(List<Page> pages) {
            return Mono.defer(() -> {
                assertThat(pages).hasSizeBetween(1, 20);
                assertThat(busy).as("one batch at a time").isFalse();
                busy = true;
                return sleep(Duration.ofSeconds(1)).then(Mono.fromRunnable(() -> {
                    saved.addAll(pages);
                    busy = false;
                }));
            });
        }
    }

    private final Web web = new Web();
    private final Disk disk = new Disk();
    private final List<Integer> progress = new ArrayList<>();
    private final Crawler crawler = new Crawler(
            web,
            disk,
            (done, known) -> {
                assertThat(done).isLessThanOrEqualTo(known);
                progress.add(done);
            },
            PAUSE,
            1000);

    private void checkRates() {
        web.requests.values().forEach(times -> {
            for (int i = 1; i < times.size(); i++) {
                assertThat(times.get(i).minus(times.get(i - 1))).isGreaterThanOrEqualTo(PAUSE);
            }
        });
        assertThat(web.rulesRead.values())
                .as("the rules of a host are read once")
                .allMatch(n -> n == 1);
    }

    @Schedules(n = 1000)
    void allPagesAreStoredOnceAtTheRateOfTheirHosts() throws Exception {
        Summary summary = await(crawler.crawl(List.of(Web.address(0, 0)), 5));

        assertThat(summary).isEqualTo(new Summary(3 * (PAGES - 2), 3, 0));
        assertThat(disk.saved.stream().map(Page::address))
                .doesNotHaveDuplicates()
                .hasSize(3 * (PAGES - 2));
        assertThat(web.begun).hasSize(3 * (PAGES - 1));
        checkRates();
        assertThat(progress)
                .containsExactlyElementsOf(
                        IntStream.rangeClosed(1, 3 * PAGES).boxed().toList());
    }

    @Schedules(n = 1000)
    void stoppedItStoresWhatWasBeingReadAndNothingIsLost() throws Exception {
        EventLoop loop = EventLoop.getRunningLoop();
        loop.callLater(Duration.ofMillis(900), crawler::stop);
        Summary summary = await(crawler.crawl(List.of(Web.address(0, 0)), 5));

        assertThat(disk.saved.stream().map(Page::address)).containsExactlyInAnyOrderElementsOf(web.ended);
        assertThat(summary.stored()).isEqualTo(web.ended.size()).isLessThan(3 * (PAGES - 2));
        assertThat(web.begun).as("what was begun has ended").hasSize(web.ended.size() + summary.failed());
        assertThat(summary.left()).isPositive();
        checkRates();
    }

    @Schedules(n = 100)
    void cancelledItGivesUpAtOnceAndLeavesNothing() throws Exception {
        Task<Summary> crawl = createTask(crawler.crawl(List.of(Web.address(0, 0)), 5));
        await(sleep(Duration.ofMillis(500)));
        crawl.cancel();
        assertThatThrownBy(() -> await(crawl)).isInstanceOf(CancelledException.class);
        assertThat(EventLoop.getRunningLoop().time())
                .as("a batch takes a second")
                .isLessThan(Duration.ofSeconds(1));
    }

    /** The network of {@link CrawlSite}, against a server on a port of its own, one page of which never comes. */
    @Test
    void aPageThatDoesNotComeFailsAloneAndRulesAreThoseOfThePort() throws Exception {
        DisposableServer server = HttpServer.create()
                .host("127.0.0.1")
                .port(0)
                .route(routes -> routes.get(
                                "/robots.txt", (request, answer) -> answer.sendString(Mono.just("Disallow: /secret")))
                        .get(
                                "/",
                                (request, answer) ->
                                        answer.sendString(Mono.just("<a href=\"/slow\"> <a href=\"/secret\">")))
                        .get("/slow", (request, answer) -> Mono.never()))
                .bindNow();
        try {
            List<Page> saved = new ArrayList<>();
            Crawler crawling = new Crawler(
                    new CrawlSite.Http(HttpClient.create().responseTimeout(Duration.ofMillis(500))),
                    pages -> Mono.fromRunnable(() -> saved.addAll(pages)),
                    (done, known) -> {},
                    Duration.ofMillis(1),
                    10);
            URI seed = URI.create("http://127.0.0.1:" + server.port() + "/");
            Summary summary = Asyncio.run(() -> await(crawling.crawl(List.of(seed), 2)));
            assertThat(summary).isEqualTo(new Summary(1, 1, 0));
            assertThat(saved).extracting(Page::address).containsExactly(seed);
        } finally {
            server.disposeNow();
        }
    }

    @Test
    void linksAndRulesOfPages() {
        URI base = URI.create("http://host/a/b.html");
        assertThat(CrawlSite.links(
                        base, "<a href=\"c.html#x\"> <a href=\"http://other/\"> <a href=\"/d\"> href=\"http:\\\\\""))
                .containsExactly(URI.create("http://host/a/c.html"), URI.create("http://host/d"));
        Predicate<URI> rules = CrawlSite.rules("User-agent: *\nDisallow: /a\nDisallow:\n");
        assertThat(rules.test(base)).isFalse();
        assertThat(rules.test(URI.create("http://host/b"))).isTrue();
    }
}
