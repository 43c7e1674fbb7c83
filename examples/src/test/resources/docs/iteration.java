record Page(String next) {}
record Row(String id) {}
interface Connection { Mono<Page> page(String cursor); Mono<Void> release(); }
interface Pool { Mono<Connection> acquire(); }
Pool pool;
abstract Flux<Row> rows(String table);
abstract Mono<Void> store(Row row);
abstract boolean isLast(Row row);
