package asyncio.streams;

import java.net.InetSocketAddress;
import java.net.ProtocolFamily;

/**
 * An address of a host, found by {@link Names#getAddrInfo}.
 *
 * @param family {@link java.net.StandardProtocolFamily#INET} or {@code INET6}
 * @param address the address, with the requested port
 * @since 0.1.0
 */
public record AddressInfo(ProtocolFamily family, InetSocketAddress address) {}
