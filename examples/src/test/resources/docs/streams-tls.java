import javax.net.ssl.SSLContext;

ConnectionHandler handler;
SSLContext sslContext;
