package asyncio.internal.loop;

import java.io.IOException;
import java.net.ProtocolFamily;
import java.nio.channels.DatagramChannel;
import java.nio.channels.Pipe;
import java.nio.channels.Selector;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.channels.spi.AbstractSelector;
import java.nio.channels.spi.SelectorProvider;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.Objects;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Finds the epoll descriptor of a selector in {@code /proc}, by the effect of a wake-up: one of the process's eventfds
 * counts to 1 with {@code wakeup()} and back to 0 with {@code selectNow()}, and one epoll watches that eventfd. The
 * kernel documents {@code fdinfo}; the structure of the selector is an implementation detail of the JDK. Blocks: it
 * takes some milliseconds, and about sixty with ten thousand open descriptors.
 */
final class SelectorProbe {
    private static final Path DESCRIPTORS = Path.of("/proc/self/fd");
    private static final Path INFO = Path.of("/proc/self/fdinfo");
    /** Other eventfds count as well, and one may do so together with the selector's by chance. */
    private static final int LEAST_ROUNDS = 2;

    private static final int MOST_ROUNDS = 8;

    private SelectorProbe() {}

    /** Returns the descriptor; -1 unless there is exactly one candidate. */
    static int descriptorOf(Selector selector) throws IOException {
        Set<Integer> candidates = counting(selector, descriptors("eventfd"));
        for (int round = 1; round < LEAST_ROUNDS || candidates.size() > 1 && round < MOST_ROUNDS; round++) {
            candidates = counting(selector, candidates);
        }
        return candidates.size() == 1 ? epollWith(candidates.iterator().next()) : -1;
    }

    /** Returns the eventfds, of the given ones, that count with the selector's wake-up. */
    private static Set<Integer> counting(Selector selector, Set<Integer> among) throws IOException {
        selector.wakeup();
        Set<Integer> up = eventfds(1, among);
        selector.selectNow();
        return eventfds(0, up);
    }

    /** Returns the eventfds, of the given ones, that have the given count. */
    private static Set<Integer> eventfds(long count, Set<Integer> among) throws IOException {
        Set<Integer> found = new HashSet<>();
        for (int descriptor : among) {
            for (String line : info(descriptor)) {
                if (line.startsWith("eventfd-count:")
                        && Long.parseUnsignedLong(
                                        line.substring(line.indexOf(':') + 1).trim(), 16)
                                == count) {
                    found.add(descriptor);
                }
            }
        }
        return found;
    }

    private static int epollWith(int eventfd) throws IOException {
        int epoll = -1;
        for (int descriptor : descriptors("eventpoll")) {
            for (String line : info(descriptor)) {
                if (line.startsWith("tfd:")
                        && line.substring(4).trim().split("\\s", 2)[0].equals("" + eventfd)) {
                    if (epoll >= 0) {
                        return -1;
                    }
                    epoll = descriptor;
                }
            }
        }
        return epoll;
    }

    /** Returns the open descriptors of a kind in this process. */
    private static Set<Integer> descriptors(String kind) throws IOException {
        Set<Integer> found = new HashSet<>();
        try (DirectoryStream<Path> all = Files.newDirectoryStream(DESCRIPTORS)) {
            for (Path descriptor : all) {
                if (target(descriptor).equals("anon_inode:[" + kind + "]")) {
                    found.add(Integer.parseInt(descriptor.getFileName().toString()));
                }
            }
        }
        return found;
    }

    private static String target(Path descriptor) throws IOException {
        try {
            return Files.readSymbolicLink(descriptor).toString();
        } catch (NoSuchFileException e) {
            return ""; // closed meanwhile
        }
    }

    private static Iterable<String> info(int descriptor) throws IOException {
        try {
            return Files.readAllLines(INFO.resolve(Integer.toString(descriptor)));
        } catch (IOException e) {
            return Set.of(); // closed meanwhile, perhaps between the open and the read
        }
    }

    /** The system's provider, which remembers the one selector that it has opened. */
    static final class Recording extends SelectorProvider {
        private final SelectorProvider provider = SelectorProvider.provider();
        private @Nullable AbstractSelector opened;

        Selector selector() {
            return Objects.requireNonNull(opened, "no selector was opened");
        }

        @Override
        public AbstractSelector openSelector() throws IOException {
            if (opened
                    != null) { // Netty would replace the selector after an error, and epoll would not watch the new one
                throw new IOException("The selector in a loop's epoll cannot be replaced");
            }
            AbstractSelector selector = provider.openSelector();
            opened = selector;
            return selector;
        }

        @Override
        public DatagramChannel openDatagramChannel() throws IOException {
            return provider.openDatagramChannel();
        }

        @Override
        public DatagramChannel openDatagramChannel(ProtocolFamily family) throws IOException {
            return provider.openDatagramChannel(family);
        }

        @Override
        public Pipe openPipe() throws IOException {
            return provider.openPipe();
        }

        @Override
        public ServerSocketChannel openServerSocketChannel() throws IOException {
            return provider.openServerSocketChannel();
        }

        @Override
        public SocketChannel openSocketChannel() throws IOException {
            return provider.openSocketChannel();
        }
    }
}
