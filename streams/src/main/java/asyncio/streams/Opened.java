package asyncio.streams;

/**
 * An open transport and the protocol created for it; {@link BaseProtocol#connectionMade} has already been called.
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
