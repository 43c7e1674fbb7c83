import java.nio.channels.Pipe;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
class Echo implements Protocol {}
Opened<Transport, Echo> opened;
TlsOptions tlsOptions;
ServerSocketChannel listener;
