package asyncio.streams;

import java.net.InetSocketAddress;
import java.net.ProtocolFamily;

/**
 * An address of a host, as {@link Names#getAddrInfo} finds it.
 *
 * @param family {@link java.net.StandardProtocolFamily#INET} or {@code INET6}
 * @param address with the port that was asked for
 * @since 0.1.0
 */
public record AddressInfo(ProtocolFamily family, InetSocketAddress address) {}
