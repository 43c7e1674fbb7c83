package asyncio.examples;

import static asyncio.Asyncio.async;
import static asyncio.Asyncio.await;

import asyncio.Asyncio;
import asyncio.redis.RedisLock;
import asyncio.redis.RedisQueue;
import java.time.Duration;
import org.redisson.Redisson;
import org.redisson.api.RMapReactive;
import org.redisson.api.RedissonClient;
import org.redisson.config.Config;
import reactor.core.publisher.Mono;

/**
 * Several processes that share a queue and a lock on Redis: one puts orders into the queue, others take them and give
 * each the next invoice number. A worker may be killed at any moment: its order is delivered again, and the lock that
 * it held is free, when the lease has expired. A worker that is paused beyond its lease, and runs on, could give a
 * number twice; where that must not happen, let the store check the lock's fencing token.
 */
public final class SharedInvoices {
    private static final Duration LEASE = Duration.ofSeconds(3);

    private final RedisQueue<Integer> orders;
    private final RedisLock lastNumber;
    private final RMapReactive<Integer, Integer> invoices;

    private SharedInvoices(RedissonClient redisson) {
        orders = RedisQueue.of(
                redisson,
                "invoices:orders",
                RedisQueue.Options.DEFAULTS.lease(LEASE).maxSize(1000));
        lastNumber = RedisLock.of(redisson, "invoices:last-number");
        invoices = redisson.reactive().getMap("invoices");
    }

    /** The arguments: the server's address, then {@code put} and the number of orders, or {@code work}. */
    public static void main(String[] args) throws Exception {
        if (args.length < 2 || args.length != (args[1].equals("put") ? 3 : 2)) {
            throw new IllegalArgumentException("usage: redis://HOST:PORT put N | redis://HOST:PORT work");
        }
        Config config = new Config();
        config.setLockWatchdogTimeout(LEASE.toMillis());
        config.useSingleServer().setAddress(args[0]);
        RedissonClient redisson = Redisson.create(config);
        try {
            SharedInvoices shared = new SharedInvoices(redisson);
            Asyncio.run(args[1].equals("put") ? shared.put(Integer.parseInt(args[2])) : shared.work());
        } finally {
            redisson.shutdown();
        }
    }

    /** Puts orders, and waits until all are done. */
    Mono<Void> put(int count) {
        return async(() -> {
            for (int order = 1; order <= count; order++) {
                await(orders.put(order));
            }
            await(orders.join());
            System.out.println("invoices: " + await(invoices.size()));
        });
    }

    /** Handles orders until this process is ended. */
    Mono<Void> work() {
        return async(() -> {
            for (; ; ) {
                int order = await(orders.process(next -> invoice(next).thenReturn(next)));
                System.out.println("order " + order);
            }
        });
    }

    /** Gives an order the next number, unless it has one: an order may be delivered again. */
    private Mono<Void> invoice(int order) {
        return lastNumber.withLock(async(() -> {
            if (!await(invoices.containsKey(order))) {
                int last = await(invoices.size());
                await(invoices.fastPut(order, last + 1)); // all that is written: it is there, or not at all
            }
        }));
    }
}
