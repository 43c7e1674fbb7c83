import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.PathVariable;
import org.springframework.web.bind.annotation.RestController;
import reactor.netty.http.client.HttpClient;
import reactor.netty.http.server.HttpServer;

record User(String id) {}
record Order(String id) {}
record Page(String text) {}
interface Users { Mono<User> find(String id); }
interface Orders { Mono<List<Order>> of(String id); }
Users users;
Orders orderService;
String render(User user, List<Order> orders) { return ""; }
Page render(User user) { return new Page(""); }
HttpClient client;
