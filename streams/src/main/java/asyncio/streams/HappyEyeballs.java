package asyncio.streams;

import asyncio.EventLoop;
import asyncio.Suppressed;
import io.netty.util.concurrent.ScheduledFuture;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import reactor.core.Disposable;
import reactor.core.publisher.Mono;
import reactor.core.publisher.MonoSink;
import reactor.netty.Connection;

/**
 * Tries the addresses of a host: the next one when one fails, or beside it when that is silent for too long. The first
 * connection wins, the others are closed. If all fail, the first address's error has the others suppressed.
 *
 * <p>All of it happens on one loop: whoever runs first there, an attempt or the cancellation, has won. (RFC 8305)
 */
final class HappyEyeballs {
    private final EventLoop loop;
    private final List<InetSocketAddress> addresses;
    private final @Nullable Duration delay;
    private final Function<InetSocketAddress, Mono<Connection>> connect;
    private final MonoSink<Connection> sink;
    private final List<Disposable> attempts = new ArrayList<>();
    private final @Nullable Throwable[] errors;
    private int failed;
    private boolean done;
    private @Nullable ScheduledFuture<?> timer;

    private HappyEyeballs(
            EventLoop loop,
            List<InetSocketAddress> addresses,
            @Nullable Duration delay,
            Function<InetSocketAddress, Mono<Connection>> connect,
            MonoSink<Connection> sink) {
        this.loop = loop;
        this.addresses = addresses;
        this.delay = delay;
        this.connect = connect;
        this.sink = sink;
        this.errors = new Throwable[addresses.size()];
    }

    /** @param delay null to wait for each; subscribe and cancel on the loop */
    static Mono<Connection> connect(
            EventLoop loop,
            List<InetSocketAddress> addresses,
            @Nullable Duration delay,
            Function<InetSocketAddress, Mono<Connection>> connect) {
        if (addresses.size() == 1) {
            return connect.apply(addresses.get(0));
        }
        return Mono.create(sink -> {
            HappyEyeballs race = new HappyEyeballs(loop, addresses, delay, connect, sink);
            sink.onCancel(race::end);
            race.startNext();
        });
    }

    private void startNext() {
        int number = attempts.size();
        if (done || number == addresses.size()) {
            return;
        }
        if (timer != null) {
            timer.cancel(false);
        }
        Disposable.Swap attempt = reactor.core.Disposables.swap();
        attempts.add(attempt);
        attempt.update(connect.apply(addresses.get(number)).subscribe(this::connected, error -> failed(number, error)));
        if (!done && delay != null && attempts.size() == number + 1 && number + 1 < addresses.size()) {
            timer = loop.netty().schedule(this::startNext, delay.toNanos(), TimeUnit.NANOSECONDS);
        }
    }

    private void connected(Connection connection) {
        if (done) {
            connection.dispose();
            return;
        }
        end();
        sink.success(connection);
    }

    private void failed(int number, Throwable error) {
        errors[number] = error;
        failed++;
        if (done) {
            return;
        }
        if (failed < addresses.size()) {
            startNext();
            return;
        }
        end();
        Throwable first = Objects.requireNonNull(errors[0]);
        for (int i = 1; i < errors.length; i++) {
            Suppressed.add(first, Objects.requireNonNull(errors[i]));
        }
        sink.error(first);
    }

    /** Closes what is under way. */
    private void end() {
        done = true;
        if (timer != null) {
            timer.cancel(false);
        }
        attempts.forEach(Disposable::dispose); // of one that has succeeded this does nothing
    }
}
