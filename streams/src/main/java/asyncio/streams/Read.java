package asyncio.streams;

import org.jspecify.annotations.Nullable;
import reactor.core.CoreSubscriber;
import reactor.core.Scannable;
import reactor.core.publisher.Mono;

/** What a read method of {@link StreamReader} returns: cold, each subscription reads anew. */
final class Read extends Mono<byte[]> implements Scannable {
    /** When a read is satisfied. */
    enum Until {
        SOME("read"),
        EXACTLY("readExactly"),
        LINE("readLine"),
        END("readAll");

        final String method;

        Until(String method) {
            this.method = method;
        }
    }

    final StreamReader reader;
    final Until until;
    /** At most so many for {@link Until#SOME}, so many for {@link Until#EXACTLY}. */
    final int n;

    Read(StreamReader reader, Until until, int n) {
        this.reader = reader;
        this.until = until;
        this.n = n;
    }

    @Override
    public void subscribe(CoreSubscriber<? super byte[]> actual) {
        actual.onSubscribe(new Reading(this, actual));
    }

    @Override
    @SuppressWarnings("rawtypes")
    public @Nullable Object scanUnsafe(Attr key) {
        return key == Attr.RUN_STYLE ? Attr.RunStyle.ASYNC : null;
    }

    @Override
    public String toString() {
        return until.method + "(" + (n >= 0 ? n : "") + ") of " + reader;
    }
}
