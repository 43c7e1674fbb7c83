record Item(String id) {}
record Cart(List<Item> items) {}
record Receipt(String id) {}
static class PaymentException extends RuntimeException {}
interface Carts { Mono<Cart> of(String id); }
interface Stock { Mono<Void> reserve(Item item); Mono<Void> release(Cart cart); }
interface Payments { Mono<Receipt> charge(Cart cart); }
Carts carts;
Stock stock;
Payments payments;
record User(String id) {}
interface Users { Mono<User> find(String id); }
Users users;
Flux<String> ids;
Path path;
