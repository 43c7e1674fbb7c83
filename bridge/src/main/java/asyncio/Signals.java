package asyncio;

import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** To come. */
final class Signals {
    private Signals() {}

    interface Interception {
        void restore();

        void passOn();
    }

    static @Nullable Interception interceptInterrupt(Consumer<Interception> onInterrupt) {
        return null;
    }
}
