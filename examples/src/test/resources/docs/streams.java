import java.nio.channels.ServerSocketChannel;
import java.net.InetSocketAddress;
import java.nio.channels.SocketChannel;
import static java.nio.charset.StandardCharsets.US_ASCII;
import io.netty.buffer.ByteBufUtil;
import java.nio.ByteBuffer;
import static java.nio.charset.StandardCharsets.US_ASCII;
import javax.net.ssl.SSLContext;
import reactor.netty.http.server.HttpServer;
import reactor.netty.tcp.TcpClient;

class Greeting implements Protocol { Mono<Void> greeted() { return Mono.empty(); } }
StreamConnection connection, other;
StreamReader reader;
StreamWriter writer;
EventLoop loop;
SSLContext sslContext;
ConnectionHandler handler;
Clients clients;
Server server;
interface Row { String toCsv(); }
List<Row> rows;
abstract Mono<Void> serve(StreamConnection connection);
abstract Mono<Void> use(Server server);
abstract Mono<String> page(String id);
DatagramConnection socket;
byte[] query;
ServerSocketChannel listener;
TlsOptions tlsOptions;
