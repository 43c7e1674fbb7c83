import static org.junit.jupiter.api.Assertions.*;
import java.util.concurrent.TimeoutException;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.PathVariable;
import org.springframework.web.bind.annotation.RestController;

record User(String id) {}
record Order(String id) {}
interface Users { Mono<User> find(String id); }
interface Orders { Mono<List<Order>> of(String id); }
Users users;
Orders orderService;
String render(User user, List<Order> orders) { return ""; }
Mono<String> page(String id) { return Mono.empty(); }
