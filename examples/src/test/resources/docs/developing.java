EventLoop loop;
record User(String id) {}
interface Users { Mono<User> find(String id); Mono<Void> save(User user); }
Users users;
User user;
String id;
Path path;
