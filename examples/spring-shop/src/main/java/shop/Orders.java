package shop;

import static asyncio.Asyncio.async;
import static asyncio.Asyncio.await;
import static asyncio.Asyncio.gather;

import asyncio.spring.WorkerPool;
import asyncio.spring.WorkerPools;
import java.util.Collections;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.http.HttpStatus;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.PathVariable;
import org.springframework.web.bind.annotation.PostMapping;
import org.springframework.web.bind.annotation.RequestBody;
import org.springframework.web.bind.annotation.ResponseStatus;
import org.springframework.web.bind.annotation.RestController;
import org.springframework.web.server.ResponseStatusException;
import reactor.core.publisher.Mono;

/** Accepts orders: asks both suppliers at once, takes the cheaper offer, and sends the mail in the background. */
@RestController
class Orders {
    record Wish(String book, String mail) {}

    record Order(int id, String book, String supplier, int cents) {}

    private static final Logger LOG = LoggerFactory.getLogger(Orders.class);

    private final Map<Integer, Order> orders = new ConcurrentHashMap<>();
    private final AtomicInteger ids = new AtomicInteger();
    private final Suppliers suppliers;
    private final WorkerPool<Mails.Mail> mails;

    Orders(Suppliers suppliers, Mails worker, WorkerPools pools) { // the pool exists once its worker does
        this.suppliers = suppliers;
        this.mails = pools.get("mails", Mails.Mail.class);
    }

    @PostMapping("/orders")
    @ResponseStatus(HttpStatus.CREATED)
    Mono<Order> order(@RequestBody Wish wish) {
        int id = ids.incrementAndGet();
        return async(() -> {
                    LOG.info("Asking for {}", wish.book());
                    List<Suppliers.Offer> offers =
                            await(gather(suppliers.offer("north", wish.book()), suppliers.offer("south", wish.book())));
                    Suppliers.Offer best = Collections.min(offers, Comparator.comparing(Suppliers.Offer::cents));
                    Order order = new Order(id, wish.book(), best.supplier(), best.cents());
                    orders.put(id, order);
                    await(mails.submit(new Mails.Mail(wish.mail(), order)));
                    LOG.info("Ordered of {}", best.supplier());
                    return order;
                })
                .contextWrite(context -> context.put(Shop.ORDER, String.valueOf(id)));
    }

    @GetMapping("/orders/{id}")
    Mono<Order> get(@PathVariable int id) {
        return async(() -> {
            Order order = orders.get(id);
            if (order == null) {
                throw new ResponseStatusException(HttpStatus.NOT_FOUND, "No order " + id);
            }
            return order;
        });
    }
}
