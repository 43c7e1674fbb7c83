package asyncio.examples;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** The lines of a file, including newlines, with the expected answers of a {@link LineServer}. */
@SuppressWarnings("ArrayRecordComponent") // files are never compared
record TextFile(byte[] bytes, List<byte[]> lines, List<String> answers) {
    /** Blocks: call it in a separate thread. */
    static TextFile read(Path file) throws IOException {
        byte[] bytes;
        try {
            bytes = Files.readAllBytes(file);
        } catch (NoSuchFileException e) {
            throw new IOException("there is no file " + file.toAbsolutePath(), e);
        } catch (IOException e) {
            throw new IOException("cannot read " + file.toAbsolutePath() + ": " + e.getMessage(), e);
        }
        List<byte[]> lines = split(bytes);
        int longest = lines.stream().mapToInt(line -> line.length).max().orElse(0);
        if (longest > LineServer.LIMIT) {
            throw new IOException(
                    file + " has a line of " + longest + " bytes, and the server takes at most " + LineServer.LIMIT);
        }
        return new TextFile(
                bytes, lines, lines.stream().map(LineServer::answerTo).toList());
    }

    private static List<byte[]> split(byte[] bytes) {
        List<byte[]> lines = new ArrayList<>();
        int start = 0;
        for (int i = 0; i < bytes.length; i++) {
            if (bytes[i] == '\n' || i == bytes.length - 1) {
                lines.add(Arrays.copyOfRange(bytes, start, i + 1));
                start = i + 1;
            }
        }
        return lines;
    }

    int size() {
        return bytes.length;
    }

    byte[] sha256() throws NoSuchAlgorithmException {
        return MessageDigest.getInstance("SHA-256").digest(bytes);
    }
}
