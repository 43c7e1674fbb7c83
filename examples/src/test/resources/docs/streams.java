import io.netty.buffer.ByteBufUtil;

StreamConnection connection, other;
StreamReader reader;
