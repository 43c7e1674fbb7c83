package asyncio.redis;

import static asyncio.Asyncio.async;
import static asyncio.Asyncio.await;

import asyncio.Asyncio;
import asyncio.TaskGroup;
import asyncio.redis.RedisQueue.Options;
import java.time.Duration;
import org.redisson.Redisson;
import org.redisson.api.RBitSetReactive;
import org.redisson.api.RMapReactive;
import org.redisson.api.RedissonClient;
import org.redisson.client.RedisException;
import org.redisson.config.Config;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.util.retry.Retry;

/**
 * A program with a producer and a consumer of one queue. The producer notes how many of its items the server has
 * confirmed, and the consumer which items it has seen.
 */
final class QueueWorker {
    private static final int AT_ONCE = 64;

    private QueueWorker() {}

    static RedisQueue<String> queue(RedissonClient client, String store) {
        return RedisQueue.of(
                client,
                store + ":queue",
                Options.DEFAULTS.lease(Duration.ofSeconds(2)).maxSize(5000));
    }

    static Config config(String address) {
        Config config = CriticalSections.config(address);
        config.useSingleServer().setConnectionPoolSize(2 * AT_ONCE);
        return config;
    }

    public static void main(String[] args) throws Exception {
        RedissonClient client = Redisson.create(config(args[0]));
        String store = args[1];
        String id = args[2];
        RedisQueue<String> queue = queue(client, store);
        RMapReactive<String, String> counts = client.reactive().getMap(store + ":counts");
        Asyncio.run(() -> await(TaskGroup.scopeBody(group -> {
            group.createTask(async(() -> {
                for (int i = 0; !await(counts.containsKey("enough")); i += AT_ONCE) {
                    await(Flux.range(i, AT_ONCE)
                            .flatMap(
                                    n -> queue.put(id + ":" + n)
                                            .retryWhen(Retry.indefinitely().filter(QueueWorker::isOfServer)),
                                    AT_ONCE)
                            .then());
                    await(counts.put("put:" + id, String.valueOf(i + AT_ONCE)));
                }
            }));
            for (int i = 0; i < 8; i++) {
                group.createTask(queue.process(item -> see(client, store, counts, item))
                        .onErrorComplete(QueueWorker::isOfServer) // the item comes again
                        .repeat()
                        .then());
            }
            return null;
        })));
    }

    /** Whether an error is that of a server that was away for too long: only then the worker continues. */
    private static boolean isOfServer(Throwable e) {
        return e instanceof RedisException || e instanceof LeaseLostException;
    }

    private static Mono<Void> see(
            RedissonClient client, String store, RMapReactive<String, String> counts, String item) {
        String[] words = item.split(":");
        RBitSetReactive seen = client.reactive().getBitSet(store + ":seen:" + words[0]);
        return seen.set(Long.parseLong(words[1]))
                .flatMap(before -> before ? counts.addAndGet("again", 1).then() : Mono.empty());
    }
}
