package asyncio.streams.internal;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** Facts about descriptors of this process, from {@code /proc}. */
final class Descriptors {
    private static final int NOT_BLOCKING = 04000;

    private Descriptors() {}

    /** @throws IllegalArgumentException if it is not open, or a file's */
    static void checkPipe(int number) {
        Path descriptor = Path.of("/proc/self/fd/" + number);
        if (number < 0 || !Files.exists(descriptor)) {
            throw new IllegalArgumentException("Descriptor " + number + " is not open");
        }
        if (Files.isRegularFile(descriptor) || Files.isDirectory(descriptor)) {
            throw new IllegalArgumentException(
                    "Descriptor " + number + " is a file or directory; a transport is for pipes, sockets"
                            + " and character devices: read or write a file in a thread, with toThread");
        }
    }

    /** Returns whether its reads and writes may block, as far as is known. */
    static boolean blocks(int number) {
        try {
            for (String line : Files.readAllLines(Path.of("/proc/self/fdinfo/" + number))) {
                if (line.startsWith("flags:")) {
                    return (Integer.parseInt(line.substring(6).trim(), 8) & NOT_BLOCKING) == 0;
                }
            }
        } catch (IOException | NumberFormatException e) {
            // then it is treated as if it did
        }
        return true;
    }
}
