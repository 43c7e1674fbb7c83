package asyncio;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.EOFException;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.io.ObjectInputStream;
import java.io.ObjectOutputStream;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import org.junit.jupiter.api.Test;
import reactor.core.Exceptions;
import reactor.core.publisher.Mono;

class ExceptionGroupTest {
    private final IOException io = new IOException("io");
    private final EOFException eof = new EOFException("eof");
    private final IllegalStateException state = new IllegalStateException("state");
    private final ExceptionGroup inner = new ExceptionGroup("inner", List.of(eof, state));
    private final ExceptionGroup group = new ExceptionGroup("outer", List.of(io, inner));

    @Test
    void theMessageTellsHowManyThereAre() {
        assertThat(group).hasMessage("outer (2 sub-exceptions)");
        assertThat(group.groupMessage()).isEqualTo("outer");
        assertThat(new ExceptionGroup("one", List.of(io))).hasMessage("one (1 sub-exception)");
        assertThat(group.exceptions()).containsExactly(io, inner);
    }

    @Test
    void cannotBeEmptyNorChanged() {
        assertThatThrownBy(() -> new ExceptionGroup("nothing", List.of()))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("at least one");
        assertThatThrownBy(() -> new ExceptionGroup("null", Arrays.asList(io, null)))
                .isInstanceOf(NullPointerException.class);
        assertThatThrownBy(() -> group.exceptions().set(0, eof)).isInstanceOf(UnsupportedOperationException.class);
    }

    @Test
    void splitsByTypeAndKeepsTheShape() {
        ExceptionGroup.Split split = group.split(IOException.class);
        assertThat(split.matching().exceptions().get(0)).isSameAs(io);
        ExceptionGroup matchingInner =
                (ExceptionGroup) split.matching().exceptions().get(1);
        assertThat(matchingInner.groupMessage()).isEqualTo("inner");
        assertThat(matchingInner.exceptions()).containsExactly(eof);
        assertThat(split.rest().groupMessage()).isEqualTo("outer");
        ExceptionGroup restInner = (ExceptionGroup) split.rest().exceptions().get(0);
        assertThat(split.rest().exceptions()).hasSize(1);
        assertThat(restInner.exceptions()).containsExactly(state);
    }

    @Test
    void aHalfIsNullWhereThereIsNothing() {
        assertThat(group.split(FileNotFoundException.class))
                .isEqualTo(new ExceptionGroup.Split(null, group)); // nothing taken out: the same group
        assertThat(group.subgroup(FileNotFoundException.class)).isNull();
        assertThat(group.split(e -> !(e instanceof ExceptionGroup))).isEqualTo(new ExceptionGroup.Split(group, null));
    }

    @Test
    void aGroupMatchesAsAWhole() {
        assertThat(group.subgroup(ExceptionGroup.class)).isSameAs(group);
        assertThat(group.subgroup(e -> e == inner).exceptions()).containsExactly(inner);
        assertThat(group.subgroup(IOException.class).exceptions()).hasSize(2).contains(io);
    }

    @Test
    void aHalfHasTheStackTraceTheCauseAndTheNotesOfTheWhole() {
        IOException cause = new IOException("cause");
        IOException note = new IOException("note");
        group.initCause(cause);
        group.addSuppressed(note);
        ExceptionGroup half = group.subgroup(IllegalStateException.class);
        assertThat(half.getStackTrace()).isEqualTo(group.getStackTrace());
        assertThat(half).hasCause(cause);
        assertThat(half.getSuppressed()).containsExactly(half.exceptions().get(0), note);
        assertThat(half.exceptions()).hasSize(1);
    }

    @Test
    void printsEachOfItsExceptionsOnce() {
        StringWriter text = new StringWriter();
        group.printStackTrace(new PrintWriter(text));
        assertThat(text.toString())
                .startsWith("asyncio.ExceptionGroup: outer (2 sub-exceptions)")
                .containsOnlyOnce("java.io.IOException: io")
                .containsOnlyOnce("asyncio.ExceptionGroup: inner (2 sub-exceptions)")
                .containsOnlyOnce("java.io.EOFException: eof")
                .containsOnlyOnce("java.lang.IllegalStateException: state");
    }

    @Test
    void asTextItNamesWhatFailed() {
        assertThat(group)
                .hasToString("asyncio.ExceptionGroup: outer (2 sub-exceptions)"
                        + " [IOException: io, EOFException: eof, IllegalStateException: state]");
        List<Throwable> many = new ArrayList<>(Collections.nCopies(1000, new IOException("x".repeat(50) + "\nmore")));
        many.set(0, new IOException() {
            @Override
            public String getMessage() {
                throw new IllegalStateException("no message");
            }
        });
        ExceptionGroup deep = new ExceptionGroup("many", many);
        for (int i = 0; i < 10_000; i++) {
            deep = new ExceptionGroup("deep", List.of(deep));
        }
        assertThat(deep.toString()).startsWith("asyncio.ExceptionGroup: deep (1 sub-exception)");
        assertThat(new ExceptionGroup("many", many).toString())
                .contains("(its getMessage failed: java.lang.IllegalStateException)")
                .contains("IOException: xxx")
                .doesNotContain("more")
                .hasSizeLessThan(500);
    }

    @Test
    void goesToReactorAndBack() {
        RuntimeException multiple = group.toMultiple();
        assertThat(Exceptions.isMultiple(multiple)).isTrue();
        assertThat(Exceptions.unwrapMultiple(multiple)).containsExactly(io, inner);
        ExceptionGroup back = ExceptionGroup.fromMultiple("back", multiple);
        assertThat(back.exceptions()).containsExactly(io, inner);
        assertThat(ExceptionGroup.fromMultiple("single", io).exceptions()).containsExactly(io);

        Throwable delayed = Mono.whenDelayError(Mono.error(io), Mono.error(eof))
                .onErrorResume(e -> Mono.error(ExceptionGroup.fromMultiple("both failed", e)))
                .materialize()
                .block()
                .getThrowable();
        assertThat(((ExceptionGroup) delayed).exceptions()).containsExactly(io, eof);
    }

    @Test
    void survivesSerialization() throws Exception {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        try (ObjectOutputStream out = new ObjectOutputStream(bytes)) {
            out.writeObject(group);
        }
        try (ObjectInputStream in = new ObjectInputStream(new ByteArrayInputStream(bytes.toByteArray()))) {
            ExceptionGroup copy = (ExceptionGroup) in.readObject();
            assertThat(copy).hasMessage("outer (2 sub-exceptions)");
            assertThat(copy.exceptions()).extracting(Throwable::getMessage).containsExactly("io", inner.getMessage());
        }
    }
}
