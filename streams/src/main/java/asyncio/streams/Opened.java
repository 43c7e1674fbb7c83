package asyncio.streams;

/**
 * A transport that was opened, and the protocol that was made for it, whose {@link BaseProtocol#connectionMade} has
 * been called.
 *
 * <p>asyncio: the pair {@code (transport, protocol)}.
 *
 * @param <T> the kind of transport
 * @param <P> the protocol's own class
 * @since 0.1
 */
public record Opened<T extends BaseTransport, P extends BaseProtocol<?>>(T transport, P protocol)
        implements AutoCloseable {
    /** Closes the transport: {@link BaseTransport#close}. */
    @Override
    public void close() {
        transport.close();
    }
}
