package asyncio.streams;

/**
 * The names of an address, found by {@link Names#getNameInfo}.
 *
 * @param host its name, or the address as text
 * @param service the port as text: the JVM has no table of services
 * @since 0.1.0
 */
public record NameInfo(String host, String service) {}
