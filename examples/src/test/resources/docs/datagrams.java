import java.net.InetSocketAddress;
EventLoop loop;
java.nio.channels.SocketChannel channel;
