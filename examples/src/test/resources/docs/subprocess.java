import static asyncio.subprocess.Stdio.*;

Path repository;
record Reply(String text) {}
abstract Mono<Void> handshake(Subprocess child);
abstract Mono<Reply> ask(Subprocess child, String question);
String question, a, b;
Command server, command;
byte[] input;
Launcher fake;
Path unsorted, errors;
class Collecting implements SubprocessProtocol { Future<Void> over; }
