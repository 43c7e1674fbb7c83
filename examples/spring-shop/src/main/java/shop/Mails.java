package shop;

import static asyncio.Asyncio.async;
import static asyncio.Asyncio.await;
import static asyncio.Asyncio.sleep;

import asyncio.spring.AsyncioWorker;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.scheduling.annotation.Scheduled;
import org.springframework.stereotype.Component;
import reactor.core.publisher.Mono;

/** Sends mails, two at a time, including those left when the application is stopped. */
@Component
class Mails {
    record Mail(String to, Orders.Order order) {}

    private static final Logger LOG = LoggerFactory.getLogger(Mails.class);

    private final List<Mail> sent = new CopyOnWriteArrayList<>();

    @AsyncioWorker(name = "mails", workers = 2, drainTimeout = "${shop.drain:20s}")
    Mono<Void> send(Mail mail) {
        return async(() -> {
            await(sleep(Duration.ofMillis(20))); // a mail server
            sent.add(mail);
            LOG.info("Sent to {}: order {}", mail.to(), mail.order().id());
        });
    }

    @Scheduled(fixedRate = 60_000)
    Mono<Void> report() {
        return async(() -> {
            LOG.info("{} mails so far", sent.size());
        });
    }

    List<Mail> sent() {
        return sent;
    }
}
