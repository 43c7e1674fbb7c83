package shop;

import static asyncio.Asyncio.async;
import static asyncio.Asyncio.await;
import static asyncio.Asyncio.sleep;
import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import asyncio.EventLoop;
import asyncio.Task;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.springframework.beans.factory.annotation.Autowired;
import org.springframework.boot.test.context.SpringBootTest;
import org.springframework.boot.test.context.SpringBootTest.WebEnvironment;
import org.springframework.boot.test.web.server.LocalServerPort;

/** The page with the tree of tasks, in a browser. Skipped where there is none; {@code -Dshop.test.browser} names it. */
@Timeout(120)
@SpringBootTest(webEnvironment = WebEnvironment.RANDOM_PORT)
class BrowserTest {
    /** Resolves to the text of the tree when it has a task of that name, or has none; it changes every second. */
    private static final String WHEN =
            """
            new Promise(resolve => {
              const tree = document.getElementById('tasks');
              const look = () => {
                if (tree.textContent.includes('EventLoop') && tree.textContent.includes('%s') === %s) {
                  resolve(tree.textContent);
                }
              };
              new MutationObserver(look).observe(tree, {childList: true});
              look();
            })""";

    @LocalServerPort
    private int port;

    @Autowired
    private EventLoop loop;

    @Test
    void thePageShowsATaskWhileItRuns() throws Exception {
        Optional<Path> program = Browser.find();
        assumeTrue(program.isPresent(), "there is no Chromium");
        try (Browser browser = new Browser(program.get())) {
            Task<?> task = loop.createTask(async(() -> await(sleep(Duration.ofHours(1), "never"))), "long-journey");
            browser.open("http://localhost:" + port + "/tasks.html");
            assertThat(browser.evaluate(WHEN.formatted("long-journey", true)))
                    .contains("EventLoop asyncio-", "mails", "long-journey");
            task.cancel();
            assertThat(browser.evaluate(WHEN.formatted("long-journey", false)))
                    .contains("EventLoop asyncio-", "mails")
                    .doesNotContain("long-journey");
        }
    }
}
