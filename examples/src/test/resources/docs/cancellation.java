abstract Mono<Void> poll();
Task<Void> imports;
record Row(String id) {}
interface Connection { Mono<Row> query(String sql); Mono<Void> update(String sql); Mono<Void> release(); Mono<Void> rollback(); }
interface Pool { Mono<Connection> acquire(); }
Connection connection;
Pool pool;
String sql;
