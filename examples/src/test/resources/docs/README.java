record User(String id) {}
record Order(String id) {}
record Page(User user, List<Order> orders) {}
record Html(String text) {}
interface Users { Mono<User> find(String id); }
interface Orders { Mono<List<Order>> of(String id); }
Users users;
Orders orders, orderService;
String id;
Page render(Page page) { return page; }

record Reply(String text) {}
interface Call { void abort(); }
interface Client { Call send(String request, Consumer<Reply> success, Consumer<Throwable> failure); }
Client client;
String request;
