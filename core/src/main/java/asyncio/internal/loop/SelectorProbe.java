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
 * Finds the epoll descriptor of a selector in {@code /proc}, by what a wake-up does to it: of the process's eventfds
 * one counts to 1 with {@code wakeup()} and back to 0 with {@code selectNow()}, and one epoll watches that. The kernel
 * documents what {@code fdinfo} says; that a selector is built so is the JDK's private matter. Blocks: it takes some
 * milliseconds, with ten thousand open descriptors sixty.
 */
final class SelectorProbe {
    private static final Path DESCRIPTORS = Path.of("/proc/self/fd");
    private static final Path INFO = Path.of("/proc/self/fdinfo");
    /** Others' eventfds count as well; one does so together with the selector's by chance. */
    private static final int LEAST_ROUNDS = 2;

    private static final int MOST_ROUNDS = 8;

    private SelectorProbe() {}

    /** Returns the number; -1 if there is not exactly one that can be it. */
    static int descriptorOf(Selector selector) throws IOException {
        Set<Integer> candidates = counting(selector, descriptors("eventfd"));
        for (int round = 1; round < LEAST_ROUNDS || candidates.size() > 1 && round < MOST_ROUNDS; round++) {
            candidates = counting(selector, candidates);
        }
        return candidates.size() == 1 ? epollWith(candidates.iterator().next()) : -1;
    }

    /** Returns those of some eventfds that count with the selector's wake-up. */
    private static Set<Integer> counting(Selector selector, Set<Integer> among) throws IOException {
        selector.wakeup();
        Set<Integer> up = eventfds(1, among);
        selector.selectNow();
        return eventfds(0, up);
    }

    /** Returns those of some eventfds that have counted so far. */
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

    /** Returns those of a kind that this process has open. */
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

    /** The system's provider, which tells the one selector that it has opened. */
    static final class Recording extends SelectorProvider {
        private final SelectorProvider provider = SelectorProvider.provider();
        private @Nullable AbstractSelector opened;

        Selector selector() {
            return Objects.requireNonNull(opened, "no selector was opened");
        }

        @Override
        public AbstractSelector openSelector() throws IOException {
            if (opened
                    != null) { // Netty would replace the selector after an error, and nothing would watch the new one
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
