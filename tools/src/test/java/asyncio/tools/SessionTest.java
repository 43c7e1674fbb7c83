package asyncio.tools;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import asyncio.EventLoop;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(180)
class SessionTest {
    private static final String PROMPT = "asyncio> ";
    private static final String MORE = "    ...> ";

    private final ByteArrayOutputStream said = new ByteArrayOutputStream();
    private final PrintStream to = new PrintStream(said, true, UTF_8);
    private final PrintStream standard = System.out;
    private Session session;

    @BeforeEach
    void begin() {
        System.setOut(to); // captures the output of the snippets
        session = new Session(to, to, true);
    }

    @AfterEach
    void end() {
        session.close();
        System.setOut(standard);
    }

    private List<String> eval(String input) {
        said.reset();
        session.eval(input);
        return said.toString(UTF_8).lines().toList();
    }

    private static void ticks() throws Exception {
        for (int i = 0; i < 5; i++) {
            for (EventLoop loop : EventLoop.all()) {
                if (loop.isRunning()) {
                    CountDownLatch passed = new CountDownLatch(1);
                    loop.callSoonThreadsafe(passed::countDown);
                    passed.await();
                }
            }
        }
    }

    @Test
    void theSessionOfTheDocsIsWhatHappens() throws Exception {
        List<String> session = new ArrayList<>();
        boolean within = false;
        for (String line : Files.readAllLines(Path.of("../docs/repl.md"))) {
            within = within ? !line.equals("```") : line.equals("```text");
            if (within && !line.equals("```text")) {
                session.add(line);
            }
        }
        assertThat(session).hasSizeGreaterThan(20);
        List<String> replayed = new ArrayList<>();
        for (int i = 0; i < session.size(); ) {
            assertThat(session.get(i)).startsWith(PROMPT);
            StringBuilder input = new StringBuilder();
            do {
                replayed.add(session.get(i));
                input.append(session.get(i++).substring(PROMPT.length())).append('\n');
            } while (i < session.size() && session.get(i).startsWith(MORE));
            eval(input.toString());
            ticks(); // the output of the tasks belongs to the input that caused it
            replayed.addAll(said.toString(UTF_8).lines().toList());
            while (i < session.size() && !session.get(i).startsWith(PROMPT)) {
                i++;
            }
        }
        assertThat(replayed).isEqualTo(session);
    }

    @Test
    void tasksGoOnBetweenInputs() {
        assertThat(eval("var gate = new asyncio.Future<String>(); var task = createTask(async(() ->"
                        + " await(gate)), \"waits\");"))
                .hasSize(2)
                .last()
                .isEqualTo("task ==> <Task pending name='waits'>");
        assertThat(eval("ps()"))
                .anyMatch(line -> line.startsWith("- waits waits for <Future pending"))
                .anyMatch(line -> line.startsWith("- repl is ready or running"));
        assertThat(eval("gate.setResult(\"there\"); await(task)")).containsExactly("$1 ==> \"there\"");
    }

    @Test
    void aColdValueIsExplainedAndAHotOneIsNot() {
        assertThat(eval("Flux.just(1, 2)")).hasSize(2).last().isEqualTo("    (nothing has run: await($1) runs it)");
        assertThat(eval("var kept = async(() -> 1)")).hasSize(1);
        assertThat(eval("kept")).hasSize(2).last().isEqualTo("    (nothing has run: await(kept) runs it)");
        assertThat(eval("createTask(kept)")).hasSize(1);
        assertThat(eval("await(kept)")).hasSize(1);
    }

    @Test
    void errorsAreShownAndTheSessionGoesOn() {
        assertThat(eval("await(async(() -> { throw new IOException(\"no\", new RuntimeException(\"since\"));"
                        + " })); print(1);"))
                .startsWith("java.io.IOException: no")
                .anyMatch(line -> line.equals("Caused by: java.lang.RuntimeException: since"))
                .allMatch(line -> !line.contains("asyncio.tools"))
                .doesNotContain("1");
        assertThat(eval("int x = \"a\";")).hasSize(1).first().asString().startsWith("error: incompatible types");
        assertThat(eval("throw new StackOverflowError(\"deep\")"))
                .first()
                .isEqualTo("java.lang.StackOverflowError: deep");
        assertThat(eval("void f() { g(); }")).containsExactly("declared f, which waits for method g() to be declared");
        assertThat(eval("// nothing")).isEmpty();
        assertThat(eval("1 + 1; 2 + 2")).containsExactly("$2 ==> 2", "$3 ==> 4");
    }

    @Test
    void aCancelledAwaitRunsItsFinallyBlocks() throws Exception {
        Thread input = new Thread(() -> eval("try { print(\"begun\"); await(sleep(ofHours(1))); }"
                + " finally { await(sleep(ofMillis(1))); print(\"cleaned\"); }"));
        input.start();
        while (!said.toString(UTF_8).startsWith("begun")) {
            Thread.onSpinWait();
        }
        assertThat(session.cancel()).isTrue();
        input.join();
        assertThat(said.toString(UTF_8).lines().toList())
                .startsWith("begun", "cleaned", "asyncio.CancelledException: Ctrl-C");
        assertThat(session.cancel()).as("nothing runs").isFalse();
        assertThat(eval("1")).containsExactly("$1 ==> 1");
    }

    @Test
    void theEndCancelsWhatIsLeft() {
        eval("createTask(async(() -> { try { await(sleep(ofHours(1))); } finally { print(\"cleaned\"); } }))");
        eval("await(sleep(ZERO))");
        said.reset();
        session.close();
        assertThat(said.toString(UTF_8).lines().toList()).containsExactly("cleaned");
    }
}
