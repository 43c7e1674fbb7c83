record Request(String id) {}
record Reply(boolean isFinal) {}
record Job(String id) {}
interface Client { Mono<Reply> send(Request request); }
Client client;
Job job;
EventLoop loop;
Mono<String> load(String account) { return Mono.empty(); }
Mono<Void> change(String account) { return Mono.empty(); }
Mono<Void> importAll() { return Mono.empty(); }
Mono<Reply> work(Job job) { return Mono.empty(); }
Mono<Reply> first() { return Mono.empty(); }
Mono<Reply> second() { return Mono.empty(); }
Mono<Reply> poll() { return Mono.empty(); }
