package asyncio.tools;

import java.nio.file.Path;
import java.util.List;
import java.util.Objects;
import java.util.stream.Collectors;
import jdk.jshell.SourceCodeAnalysis;
import jdk.jshell.SourceCodeAnalysis.Completeness;
import jdk.jshell.SourceCodeAnalysis.Documentation;
import jdk.jshell.SourceCodeAnalysis.Suggestion;
import org.jline.reader.Candidate;
import org.jline.reader.EOFError;
import org.jline.reader.LineReader;
import org.jline.reader.LineReaderBuilder;
import org.jline.reader.ParsedLine;
import org.jline.reader.Reference;
import org.jline.reader.impl.DefaultParser;
import org.jline.terminal.Terminal;

/** Editing of Java lines at a terminal: completion, documentation, history, and continuation of incomplete input. */
final class Editing {
    private static final String TAB = "complete-or-explain";
    private static final int MOST_EXPLAINED = 12;

    private final SourceCodeAnalysis analysis;
    private final LineReader reader;
    /** The line after the last Tab. */
    private String afterTab = "";

    private Editing(Terminal terminal, SourceCodeAnalysis analysis, Path history) {
        this.analysis = analysis;
        this.reader = LineReaderBuilder.builder()
                .terminal(terminal)
                .parser(new SnippetParser(analysis))
                .completer((line, parsed, candidates) -> complete(parsed, candidates))
                .variable(LineReader.SECONDARY_PROMPT_PATTERN, "    ...> ")
                .variable(LineReader.HISTORY_FILE, history)
                .option(LineReader.Option.AUTO_MENU, false)
                .option(LineReader.Option.DISABLE_EVENT_EXPANSION, true)
                .build();
        reader.getWidgets().put(TAB, this::tab);
        Objects.requireNonNull(reader.getKeyMaps().get(LineReader.MAIN)).bind(new Reference(TAB), "\t");
    }

    /** Returns a reader of inputs, which may have several lines each. */
    static LineReader reader(Terminal terminal, SourceCodeAnalysis analysis, Path history) {
        return new Editing(terminal, analysis, history).reader;
    }

    /** Completes; if pressed again in the same place, shows documentation. */
    private boolean tab() {
        String text = reader.getBuffer().toString();
        int cursor = reader.getBuffer().cursor();
        if (afterTab.equals(cursor + text)) {
            String explained = explain(text, cursor);
            if (!explained.isEmpty()) {
                reader.printAbove(explained);
            }
            return true;
        }
        reader.callWidget(LineReader.COMPLETE_WORD);
        afterTab = reader.getBuffer().cursor() + reader.getBuffer().toString();
        return true;
    }

    /** Returns the signatures at the cursor, with their documentation if sources are available. */
    private String explain(String text, int cursor) {
        List<Documentation> found = analysis.documentation(text, cursor, true);
        if (found.isEmpty() && cursor > 0 && text.charAt(cursor - 1) != '(') {
            found = analysis.documentation(text.substring(0, cursor) + "(", cursor + 1, true);
        }
        return found.stream()
                .limit(MOST_EXPLAINED)
                .map(documentation -> documentation.javadoc() == null
                        ? documentation.signature()
                        : documentation.signature() + "\n"
                                + documentation.javadoc().indent(4))
                .collect(Collectors.joining("\n"));
    }

    private void complete(ParsedLine parsed, List<Candidate> candidates) {
        int[] anchor = new int[1];
        String word = parsed.word().substring(0, parsed.wordCursor());
        for (Suggestion suggestion : analysis.completionSuggestions(parsed.line(), parsed.cursor(), anchor)) {
            // a continuation replaces the text after the anchor; the reader needs whole words
            int kept = Math.max(0, word.length() - (parsed.cursor() - anchor[0]));
            String continuation = suggestion.continuation();
            candidates.add(
                    new Candidate(word.substring(0, kept) + continuation, continuation, null, null, null, null, false));
        }
    }

    /** Asks JShell whether an input is complete; words are separated by blanks. */
    private static final class SnippetParser extends DefaultParser {
        private final SourceCodeAnalysis analysis;

        SnippetParser(SourceCodeAnalysis analysis) {
            this.analysis = analysis;
            setQuoteChars(new char[0]);
            setEscapeChars(new char[0]);
        }

        @Override
        public ParsedLine parse(String line, int cursor, ParseContext context) {
            if (context == ParseContext.ACCEPT_LINE
                    && !line.isBlank()
                    && analysis.analyzeCompletion(line).completeness() == Completeness.DEFINITELY_INCOMPLETE) {
                throw new EOFError(-1, cursor, "incomplete input");
            }
            return super.parse(line, cursor, context);
        }
    }
}
