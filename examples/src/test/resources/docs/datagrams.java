EventLoop loop;
java.nio.channels.SocketChannel channel;
