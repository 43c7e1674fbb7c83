import static org.assertj.core.api.Assertions.assertThat;

record Reply(String text) {}
static class Client {
    Client(StreamConnection connection) {}
    Mono<Reply> ask(String question) { return Mono.empty(); }
}
static class ChatServer {
    void serve(StreamConnection connection) {}
}
static class ChatClient {
    ChatClient(Supplier<Mono<StreamConnection>> connect) {}
    Mono<Void> say(String text) { return Mono.empty(); }
}
int length;
byte[] input;
