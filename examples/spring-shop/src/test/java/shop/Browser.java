package shop;

import java.io.File;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.WebSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.springframework.util.FileSystemUtils;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** A headless Chromium with one page, driven by its DevTools protocol. */
final class Browser implements AutoCloseable {
    private static final long LIMIT_SECONDS = 30;
    private static final JsonMapper JSON = new JsonMapper();

    private final BlockingQueue<JsonNode> messages = new LinkedBlockingQueue<>();
    private final Path profile;
    private final Process process;
    private final WebSocket page;
    private int calls;

    /** Returns {@code -Dshop.test.browser}, or the first that is on the path. */
    static Optional<Path> find() {
        String given = System.getProperty("shop.test.browser");
        return given != null
                ? Optional.of(Path.of(given))
                : Stream.of("chromium", "chromium-browser", "google-chrome")
                        .flatMap(name -> Stream.of(System.getenv("PATH").split(File.pathSeparator))
                                .map(folder -> Path.of(folder, name)))
                        .filter(Files::isExecutable)
                        .findFirst();
    }

    Browser(Path program) throws Exception {
        profile = Files.createTempDirectory("browser");
        process = new ProcessBuilder(
                        program.toString(),
                        "--headless",
                        "--no-sandbox",
                        "--disable-gpu",
                        "--disable-quic",
                        "--disable-dev-shm-usage",
                        "--no-first-run",
                        "--disable-background-networking",
                        "--disable-component-update",
                        "--disable-sync",
                        "--user-data-dir=" + profile,
                        "--remote-debugging-port=0",
                        "about:blank")
                .redirectErrorStream(true)
                .start();
        try {
            HttpClient client = HttpClient.newHttpClient();
            String pages = client.send(
                            HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + port() + "/json/list"))
                                    .build(),
                            HttpResponse.BodyHandlers.ofString())
                    .body();
            JsonNode first = JSON.readTree(pages).values().stream()
                    .filter(target -> target.path("type").asString().equals("page"))
                    .findFirst()
                    .orElseThrow();
            page = client.newWebSocketBuilder()
                    .buildAsync(URI.create(first.path("webSocketDebuggerUrl").asString()), new Listener())
                    .get(LIMIT_SECONDS, TimeUnit.SECONDS);
        } catch (Throwable e) {
            end();
            throw e;
        }
    }

    /** Reads the port from the line that it prints, and everything after that, so that it never waits for a reader. */
    private int port() throws Exception {
        CompletableFuture<Integer> port = new CompletableFuture<>();
        StringBuilder before = new StringBuilder();
        Thread reader = new Thread(
                () -> {
                    process.inputReader().lines().forEach(line -> {
                        if (line.startsWith("DevTools listening on ")) {
                            port.complete(URI.create(line.substring("DevTools listening on ".length())).getPort());
                        } else if (!port.isDone()) {
                            before.append(line).append('\n');
                        }
                    });
                    port.completeExceptionally(new IOException("The browser ended: " + before));
                },
                "browser-output");
        reader.setDaemon(true);
        reader.setUncaughtExceptionHandler((thread, error) -> port.completeExceptionally(error));
        reader.start();
        return port.get(LIMIT_SECONDS, TimeUnit.SECONDS);
    }

    private final class Listener implements WebSocket.Listener {
        private final StringBuilder text = new StringBuilder();

        @Override
        public CompletionStage<?> onText(WebSocket socket, CharSequence data, boolean last) {
            text.append(data);
            if (last) {
                messages.add(JSON.readTree(text.toString()));
                text.setLength(0);
            }
            socket.request(1);
            return null;
        }
    }

    /** Opens an address, and returns when it is loaded. */
    void open(String address) throws Exception {
        call("Page.enable", Map.of());
        call("Page.navigate", Map.of("url", address));
        while (!next().path("method").asString("").equals("Page.loadEventFired")) {}
    }

    /** Returns the value of an expression in the page, or of the promise that it returns. */
    String evaluate(String expression) throws Exception {
        JsonNode result = call(
                "Runtime.evaluate", Map.of("expression", expression, "awaitPromise", true, "returnByValue", true));
        if (result.has("exceptionDetails")) {
            throw new IllegalStateException(result.toString());
        }
        return result.path("result").path("value").asString();
    }

    private JsonNode call(String method, Map<String, ?> parameters) throws Exception {
        int id = ++calls;
        page.sendText(JSON.writeValueAsString(Map.of("id", id, "method", method, "params", parameters)), true);
        for (JsonNode answer; ; ) {
            answer = next();
            if (answer.path("id").asInt(0) == id) {
                if (answer.has("error")) {
                    throw new IllegalStateException(method + ": " + answer);
                }
                return answer.path("result");
            }
        }
    }

    private JsonNode next() throws Exception {
        JsonNode next = messages.poll(LIMIT_SECONDS, TimeUnit.SECONDS);
        if (next == null) {
            throw new IllegalStateException("The browser does not answer");
        }
        return next;
    }

    @Override
    public void close() throws Exception {
        page.abort();
        end();
    }

    private void end() throws InterruptedException, IOException {
        List<ProcessHandle> others = process.descendants().toList();
        process.destroyForcibly().waitFor(); // first, since it starts the others
        others.forEach(ProcessHandle::destroyForcibly);
        others.forEach(other -> other.onExit().join());
        FileSystemUtils.deleteRecursively(profile);
    }
}
