package asyncio.examples;

import static asyncio.Asyncio.await;

import asyncio.Asyncio;
import asyncio.EventLoop;
import asyncio.examples.Crawler.Page;
import io.netty.handler.timeout.ReadTimeoutException;
import java.io.IOException;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Predicate;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import me.tongfei.progressbar.ProgressBar;
import reactor.core.publisher.Mono;
import reactor.netty.http.client.HttpClient;

/**
 * Crawls a site with a {@link Crawler}, shows how far it is, and writes a line for each page into a file. Ctrl-C
 * drains: the pages that are being read are written.
 */
public final class CrawlSite {
    private static final Pattern LINK = Pattern.compile("href=\"([^\"#]+)");

    private CrawlSite() {}

    /** The address to begin with, the file, and how many addresses at most. */
    public static void main(String[] args) throws Exception {
        URI seed = URI.create(args.length > 0 ? args[0] : "http://localhost:8080/");
        Path file = Path.of(args.length > 1 ? args[1] : "pages.txt");
        int most = args.length > 2 ? Integer.parseInt(args[2]) : 1000;
        try (ProgressBar bar = new ProgressBar("pages", 1)) {
            Crawler crawler = new Crawler(
                    new Http(HttpClient.create().responseTimeout(Duration.ofSeconds(10))),
                    pages -> Asyncio.toThread(() -> append(file, pages)).then(),
                    (done, known) -> bar.maxHint(known).stepTo(done),
                    Duration.ofMillis(200),
                    most);
            Asyncio.run(() -> {
                EventLoop.getRunningLoop().addSignalHandler("INT", crawler::stop);
                System.out.println(await(crawler.crawl(List.of(seed), 8)));
            });
        }
    }

    private static Path append(Path file, List<Page> pages) throws IOException {
        List<String> lines = pages.stream()
                .map(page -> page.address() + " " + page.links().size())
                .toList();
        return Files.write(file, lines, StandardOpenOption.CREATE, StandardOpenOption.APPEND);
    }

    /** Links of the page's own host, whatever the page is in. */
    static List<URI> links(URI base, String html) {
        List<URI> links = new ArrayList<>();
        for (Matcher link = LINK.matcher(html); link.find(); ) {
            try {
                URI address = base.resolve(link.group(1));
                if (base.getHost().equals(address.getHost())) {
                    links.add(address);
                }
            } catch (IllegalArgumentException notAnAddress) {
                // as people write them
            }
        }
        return links;
    }

    /** The addresses that {@code robots.txt} does not disallow for all. */
    static Predicate<URI> rules(String robots) {
        List<String> disallowed = robots.lines()
                .filter(line -> line.startsWith("Disallow:"))
                .map(line -> line.substring("Disallow:".length()).strip())
                .filter(path -> !path.isEmpty())
                .toList();
        return address ->
                disallowed.stream().noneMatch(path -> address.getPath().startsWith(path));
    }

    record Http(HttpClient client) implements Crawler.Network {
        private Mono<String> text(URI address) {
            return client.get()
                    .uri(address)
                    .responseSingle((response, body) -> {
                        int code = response.status().code();
                        return code < 300
                                ? body.asString(StandardCharsets.UTF_8).defaultIfEmpty("")
                                : Mono.<String>error(new IOException(code + " from " + address));
                    })
                    .onErrorMap(ReadTimeoutException.class, late -> new IOException("No answer from " + address, late));
        }

        @Override
        public Mono<Page> read(URI address) {
            return text(address).map(html -> new Page(address, links(address, html)));
        }

        @Override
        public Mono<Predicate<URI>> rules(URI robots) {
            return text(robots).map(CrawlSite::rules).onErrorReturn(IOException.class, address -> true);
        }
    }
}
