package asyncio.examples;

import static asyncio.Asyncio.async;
import static asyncio.Asyncio.await;
import static asyncio.Asyncio.waitFor;
import static java.nio.charset.StandardCharsets.US_ASCII;

import asyncio.Asyncio;
import asyncio.streams.Datagram;
import asyncio.streams.DatagramConnection;
import asyncio.streams.DatagramOptions;
import asyncio.streams.Datagrams;
import java.io.ByteArrayOutputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.net.InetAddress;
import java.net.PortUnreachableException;
import java.net.UnknownHostException;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeoutException;
import reactor.core.publisher.Mono;

/** Asks a name server for the IPv4 addresses of a host, over UDP, and repeats the question if there is no answer. */
public final class DnsQuery {
    private static final int ATTEMPTS = 3;
    private static final int TYPE_A = 1;
    private static final int CLASS_IN = 1;

    private DnsQuery() {}

    /** Prints the addresses of a host, as a name server reports them. */
    public static void main(String[] arguments) throws Exception {
        if (arguments.length != 2) {
            System.err.println("usage: DnsQuery SERVER HOST");
            System.exit(2);
        }
        Asyncio.run(() -> {
            for (InetAddress address : await(resolve(arguments[0], 53, arguments[1], Duration.ofSeconds(2)))) {
                System.out.println(address.getHostAddress());
            }
        });
    }

    /**
     * The addresses of a host. Fails with {@link UnknownHostException} if there is none, with {@link TimeoutException}
     * if the server is silent.
     *
     * @param patience for each attempt
     */
    static Mono<List<InetAddress>> resolve(String server, int port, String host, Duration patience) {
        DatagramOptions options =
                DatagramOptions.builder().remoteAddress(server, port).build();
        return async(() -> {
            try (DatagramConnection socket = await(Datagrams.open(options))) {
                for (int attempt = 1; ; attempt++) {
                    int id = ThreadLocalRandom.current().nextInt(1 << 16);
                    try {
                        await(socket.send(query(id, host)));
                        return await(waitFor(async(() -> answer(socket, id, host)), patience));
                    } catch (TimeoutException | PortUnreachableException e) {
                        if (attempt == ATTEMPTS) {
                            throw e;
                        }
                    }
                }
            }
        });
    }

    private static byte[] query(int id, String host) throws IOException {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        DataOutputStream out = new DataOutputStream(bytes);
        out.writeShort(id);
        out.writeShort(0x0100); // recursion desired
        out.writeShort(1); // a question
        out.write(new byte[6]);
        for (String label : host.split("\\.")) {
            out.writeByte(label.length());
            out.write(label.getBytes(US_ASCII));
        }
        out.writeByte(0);
        out.writeShort(TYPE_A);
        out.writeShort(CLASS_IN);
        return bytes.toByteArray();
    }

    /** Late answers to earlier attempts, and datagrams from elsewhere, have another id. */
    private static List<InetAddress> answer(DatagramConnection socket, int id, String host) throws Exception {
        for (Datagram datagram; (datagram = await(socket.receive())) != null; ) {
            ByteBuffer message = ByteBuffer.wrap(datagram.data());
            if (message.remaining() >= 12 && Short.toUnsignedInt(message.getShort()) == id) {
                return addresses(message, host);
            }
        }
        throw new IOException("The socket was closed");
    }

    /** Of a message after its id. */
    private static List<InetAddress> addresses(ByteBuffer message, String host) throws UnknownHostException {
        int code = message.getShort() & 15;
        int questions = message.getShort();
        int answers = message.getShort();
        message.position(12);
        for (int i = 0; i < questions; i++) {
            skipName(message);
            message.position(message.position() + 4);
        }
        List<InetAddress> addresses = new ArrayList<>();
        for (int i = 0; i < answers; i++) {
            skipName(message);
            int type = message.getShort();
            message.position(message.position() + 6); // class and time to live
            byte[] data = new byte[Short.toUnsignedInt(message.getShort())];
            message.get(data);
            if (type == TYPE_A) {
                addresses.add(InetAddress.getByAddress(host, data));
            }
        }
        if (code != 0 || addresses.isEmpty()) {
            throw new UnknownHostException(host + ", says the server (code " + code + ")");
        }
        return addresses;
    }

    /** Labels up to an empty one, or a pointer to the rest. */
    private static void skipName(ByteBuffer message) {
        for (int length; (length = message.get() & 0xff) != 0; ) {
            if (length >= 0xc0) {
                message.get();
                return;
            }
            message.position(message.position() + length);
        }
    }
}
