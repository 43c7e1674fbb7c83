package asyncio.benchmarks;

import static asyncio.Asyncio.async;
import static asyncio.Asyncio.await;
import static asyncio.Asyncio.sleep;

import asyncio.streams.Streams;
import io.netty.bootstrap.Bootstrap;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.Channel;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.SimpleChannelInboundHandler;
import io.netty.channel.nio.NioIoHandler;
import io.netty.channel.socket.nio.NioSocketChannel;
import java.io.IOException;
import java.io.InputStream;
import java.lang.management.ManagementFactory;
import java.net.InetAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Function;
import reactor.core.publisher.Mono;
import reactor.netty.DisposableServer;
import reactor.netty.http.server.HttpServer;
import reactor.netty.resources.LoopResources;

/**
 * Requests per second for one HTTP page, written in several ways, on Reactor Netty's own loops and on the shared loops:
 * in one JVM, alternating, with a client that costs as little as possible (one thread; each connection sends a request
 * when the answer to the last one is complete).
 *
 * <p>Usage: {@code HttpLoad [connections [seconds [rounds]]]}, by default 64 connections and 5 rounds of a second for
 * each page. Prints medians, and the processor time of a request without the client's. Rounds in which other processes
 * took a tenth of a processor do not count.
 */
public final class HttpLoad {
    private static final byte[] REQUEST =
            "GET /hello/Ada HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".getBytes(StandardCharsets.US_ASCII);
    private static final int WARMUP_SECONDS = 3;
    /** The maximum number of tries for each round that counts. */
    private static final int MOST_TRIES = 20;

    private HttpLoad() {}

    public static void main(String[] args) throws Exception {
        int connections = args.length > 0 ? Integer.parseInt(args[0]) : 64;
        int seconds = args.length > 1 ? Integer.parseInt(args[1]) : 1;
        int rounds = args.length > 2 ? Integer.parseInt(args[2]) : 5;

        LoopResources own = LoopResources.create("own", Runtime.getRuntime().availableProcessors(), true);
        LoopResources shared = Streams.sharedLoopResources();
        Map<String, DisposableServer> servers = new LinkedHashMap<>();
        servers.put("Mono, Reactor Netty's loops", serve(own, name -> Mono.just(hello(name))));
        servers.put("Mono, shared loops", serve(shared, name -> Mono.just(hello(name))));
        servers.put("body, shared loops", serve(shared, name -> async(() -> hello(name))));
        servers.put("body, Reactor Netty's loops", serve(own, name -> async(() -> hello(name))));
        servers.put(
                "awaiting body, shared loops",
                serve(
                        shared,
                        name -> async(() -> {
                            await(sleep(Duration.ZERO));
                            return hello(name);
                        })));
        servers.put(
                "awaiting body, Reactor Netty's loops",
                serve(
                        own,
                        name -> async(() -> {
                            await(sleep(Duration.ZERO));
                            return hello(name);
                        })));

        Map<String, List<Measured>> results = new LinkedHashMap<>();
        for (Map.Entry<String, DisposableServer> server : servers.entrySet()) {
            results.put(server.getKey(), new ArrayList<>());
            load(server.getValue().port(), connections, WARMUP_SECONDS);
        }
        for (int tries = 0; tries < MOST_TRIES * rounds; tries++) {
            for (Map.Entry<String, List<Measured>> row : results.entrySet()) {
                if (row.getValue().size() < rounds) {
                    DisposableServer server = Objects.requireNonNull(servers.get(row.getKey()));
                    Measured measured = load(server.port(), connections, seconds);
                    if (measured.usage.undisturbed()) {
                        row.getValue().add(measured);
                    }
                }
            }
        }
        print(results);
    }

    private static String hello(String name) {
        return "Hello, " + name + "!\n";
    }

    private static DisposableServer serve(LoopResources loops, Function<String, Mono<String>> page) {
        return HttpServer.create()
                .host("127.0.0.1")
                .port(0)
                .runOn(loops)
                .route(routes -> routes.get(
                        "/hello/{name}",
                        (request, response) ->
                                response.sendString(page.apply(Objects.requireNonNull(request.param("name"))))))
                .bindNow();
    }

    private record Measured(double requestsPerSecond, double serverMicros, Usage usage) {}

    private static Measured load(int port, int connections, int seconds) throws Exception {
        int length = lengthOfResponse(port);
        EventLoopGroup group = new MultiThreadIoEventLoopGroup(1, NioIoHandler.newFactory());
        try {
            long clientThread =
                    group.submit(() -> Thread.currentThread().getId()).get();
            AtomicLong answers = new AtomicLong();
            List<Channel> channels = new ArrayList<>();
            for (int i = 0; i < connections; i++) {
                channels.add(new Bootstrap()
                        .group(group)
                        .channel(NioSocketChannel.class)
                        .handler(new ChannelInitializer<Channel>() {
                            @Override
                            protected void initChannel(Channel channel) {
                                channel.pipeline().addLast(new Asking(length, answers));
                            }
                        })
                        .connect("127.0.0.1", port)
                        .sync()
                        .channel());
            }
            Usage.Moment start = Usage.Moment.now();
            long clientCpu = threadCpu(clientThread);
            long before = answers.get();
            Thread.sleep(Duration.ofSeconds(seconds).toMillis());
            long count = answers.get() - before;
            Usage usage = start.untilNow();
            double clientSeconds = (threadCpu(clientThread) - clientCpu) / 1e9;
            for (Channel channel : channels) {
                if (!channel.isActive()) {
                    throw new IOException("The server closed a connection");
                }
                channel.close().sync();
            }
            return new Measured(
                    count / usage.seconds(), (usage.own() * usage.seconds() - clientSeconds) * 1e6 / count, usage);
        } finally {
            group.shutdownGracefully(0, 1, TimeUnit.SECONDS).sync();
        }
    }

    /** Sends the next request when it has received the length of an answer; a failure shows as a closed channel. */
    @SuppressWarnings("FutureReturnValueIgnored")
    private static final class Asking extends SimpleChannelInboundHandler<ByteBuf> {
        private final int length;
        private final AtomicLong answers;
        private int got;

        Asking(int length, AtomicLong answers) {
            this.length = length;
            this.answers = answers;
        }

        @Override
        public void channelActive(ChannelHandlerContext ctx) {
            ctx.writeAndFlush(Unpooled.wrappedBuffer(REQUEST));
        }

        @Override
        protected void channelRead0(ChannelHandlerContext ctx, ByteBuf bytes) {
            got += bytes.readableBytes();
            if (got == length) {
                got = 0;
                answers.lazySet(answers.get() + 1); // one thread
                ctx.writeAndFlush(Unpooled.wrappedBuffer(REQUEST));
            } else if (got > length) {
                ctx.close(); // an answer of another length: seen at the end of the round
            }
        }
    }

    /** Checks the server's answer, and returns its length, which is always the same. */
    private static int lengthOfResponse(int port) throws IOException {
        try (Socket socket = new Socket(InetAddress.getLoopbackAddress(), port)) {
            socket.getOutputStream().write(REQUEST);
            InputStream in = socket.getInputStream();
            StringBuilder text = new StringBuilder();
            while (!text.toString().endsWith("\r\n\r\nHello, Ada!\n")) {
                int read = in.read();
                if (read < 0) {
                    throw new IOException("Not the expected answer: " + text);
                }
                text.append((char) read);
            }
            return text.length();
        }
    }

    private static long threadCpu(long id) {
        return ManagementFactory.getThreadMXBean().getThreadCpuTime(id);
    }

    private static void print(Map<String, List<Measured>> results) {
        double first = 0;
        System.out.println("| page | requests a second | of the first row | server's CPU us a request | rounds |");
        System.out.println("|---|---|---|---|---|");
        for (Map.Entry<String, List<Measured>> row : results.entrySet()) {
            List<Measured> rounds = row.getValue();
            if (rounds.isEmpty()) {
                System.out.println("| " + row.getKey() + " | no round was undisturbed by other processes |");
                continue;
            }
            double rate = Usage.median(rounds.stream().mapToDouble(Measured::requestsPerSecond));
            first = first == 0 ? rate : first;
            System.out.printf(
                    "| %s | %,.0f | %.2f | %.1f | %d |%n",
                    row.getKey(),
                    rate,
                    rate / first,
                    Usage.median(rounds.stream().mapToDouble(Measured::serverMicros)),
                    rounds.size());
        }
    }
}
