record Request(String id) {}
record Reply(boolean isFinal) {}
record Job(String id) {}
record State(int jobs) { static final State EMPTY = new State(0); }
Mono<State> step(State state, Job job) { return Mono.empty(); }
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
