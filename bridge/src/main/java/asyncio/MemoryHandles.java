package asyncio;

import io.netty.channel.IoHandle;
import io.netty.channel.IoOps;
import io.netty.channel.IoRegistration;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;

/**
 * Handles that the loop's {@code IoHandler} does not know, since they have no descriptor that it could watch: those of
 * channels in memory. Nothing happens to them but the loop's end, which closes them. (Netty's own channels ask
 * {@code isCompatible} before they come here.) For the owner of the loop only.
 */
final class MemoryHandles {
    private final Set<Registration> registered = new LinkedHashSet<>();

    IoRegistration register(IoHandle handle) {
        Registration registration = new Registration(handle);
        registered.add(registration);
        return registration;
    }

    /** Closing one may deregister others. */
    void closeAll() {
        for (Registration registration : List.copyOf(registered)) {
            if (registration.isValid()) {
                registration.close();
            }
        }
    }

    private final class Registration implements IoRegistration {
        private final IoHandle handle;

        Registration(IoHandle handle) {
            this.handle = handle;
        }

        void close() {
            try {
                handle.close();
            } catch (Exception e) {
                Log.error("Cannot close " + handle + " with its event loop", e);
            }
        }

        @Override
        @SuppressWarnings("TypeParameterUnusedInFormals") // Netty's signature
        public <T> T attachment() {
            throw new UnsupportedOperationException("There is no selector key or the like for " + handle);
        }

        @Override
        public long submit(IoOps ops) {
            throw new UnsupportedOperationException("There is no IO to wait for with " + handle + ", but got " + ops);
        }

        @Override
        public boolean isValid() {
            return registered.contains(this);
        }

        @Override
        public boolean cancel() {
            return registered.remove(this);
        }
    }
}
