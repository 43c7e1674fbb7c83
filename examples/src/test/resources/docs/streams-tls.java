import javax.net.ssl.SSLContext;

ConnectionHandler handler;
Server server;
SSLContext sslContext;
