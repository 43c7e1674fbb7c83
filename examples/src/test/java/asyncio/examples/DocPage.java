package asyncio.examples;

import asyncio.examples.MemoryCompiler.Source;
import com.sun.source.tree.ClassTree;
import com.sun.source.tree.CompilationUnitTree;
import com.sun.source.tree.LambdaExpressionTree;
import com.sun.source.tree.MethodTree;
import com.sun.source.tree.ReturnTree;
import com.sun.source.util.TreeScanner;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import javax.tools.Diagnostic;
import javax.tools.JavaFileObject;

/**
 * The Java blocks of a Markdown page, or of the javadoc in a source, to be compiled.
 *
 * <p>A block is the text between <code>```java</code> and <code>```</code>, in javadoc in <code>&lt;pre>{&#64;code }
 * </code> or <code>{&#64;snippet : }</code>; none is left out. A block that begins with imports is a source file. Any
 * other block is the statements of a method that throws {@code Exception} or, if it does not parse as those, members of
 * a class, or of an interface if its methods have no bodies.
 *
 * <p>The names that a page uses without declaring them are its <em>surroundings</em>: imports, then the members of a
 * class that each of its blocks extends, so that a block may declare a name anew.
 */
final class DocPage {
    /** The lines between two fences; {@code line} is the number of the first one, from 1. */
    record Block(int line, String text) {}

    private static final Pattern JAVADOC_BLOCK = Pattern.compile("<pre>\\s*\\{@code\\b|\\{@snippet\\b[^:}]*:");
    private static final Pattern FILE = Pattern.compile("\\s*(package|import)\\s.*", Pattern.DOTALL);
    private static final Pattern PUBLIC_TYPE = Pattern.compile(
            "^public (?:final |abstract |sealed )*(?:class|interface|record|enum) (\\w+)", Pattern.MULTILINE);

    private final String name;
    private final List<Block> blocks;
    private final StringBuilder imports = new StringBuilder();
    private final StringBuilder members = new StringBuilder();

    /** A Markdown page, called {@code name} in errors. */
    DocPage(String name, String markdown, String surroundings) {
        this(name, fencedIn(markdown), surroundings);
    }

    private DocPage(String name, List<Block> blocks, String surroundings) {
        this.name = name;
        this.blocks = blocks;
        surroundings.lines().forEach(line -> {
            boolean isImport = line.startsWith("import ");
            (isImport ? imports : members).append(line).append(isImport ? ' ' : '\n');
        });
    }

    /** The javadoc in a Java source, called {@code name} in errors. */
    static DocPage ofJavadoc(String name, String java, String surroundings) {
        List<Block> blocks = new ArrayList<>();
        Matcher opening = JAVADOC_BLOCK.matcher(java);
        while (opening.find()) {
            int end = opening.end();
            for (int open = 1; open > 0; end++) { // javadoc also counts braces
                open += java.charAt(end) == '{' ? 1 : java.charAt(end) == '}' ? -1 : 0;
            }
            String text = java.substring(opening.end(), end - 1);
            int start = opening.end() + (text.startsWith("\n") ? 1 : 0);
            int line = (int) java.substring(0, start).lines().count() + (text.startsWith("\n") ? 1 : 0);
            blocks.add(new Block(line, text.replaceAll("(?m)^\\s*\\* ?", "").strip()));
        }
        return new DocPage(name, blocks, surroundings);
    }

    private static List<Block> fencedIn(String markdown) {
        List<Block> blocks = new ArrayList<>();
        List<String> lines = markdown.lines().toList();
        for (int i = 0; i < lines.size(); i++) {
            String fence = lines.get(i).strip();
            if (fence.startsWith("```")) {
                int first = ++i;
                while (i < lines.size() && !lines.get(i).strip().equals("```")) {
                    i++;
                }
                if (fence.equals("```java")) {
                    blocks.add(new Block(first + 1, String.join("\n", lines.subList(first, i))));
                }
            }
        }
        return blocks;
    }

    String name() {
        return name;
    }

    /** The Java blocks, from the top of the page. */
    List<Block> blocks() {
        return blocks;
    }

    /** The errors that javac finds in the blocks, as {@code page:line: message}; none if all of them compile. */
    List<String> errors() throws IOException {
        List<String> errors = new ArrayList<>();
        List<Source> sources = new ArrayList<>();
        Source around =
                new Source("Surroundings", imports + "abstract class Surroundings {", members.toString(), "}", 1);
        sources.add(around);
        for (Block block : blocks) {
            Source source = wrap(block);
            // a file with syntax errors would keep javac from resolving the names in the others
            List<Diagnostic<? extends JavaFileObject>> syntax = MemoryCompiler.syntaxErrors(source);
            syntax.forEach(error -> errors.add(name + ':' + source.describe(error)));
            if (syntax.isEmpty()) {
                sources.add(source);
            }
        }
        for (Diagnostic<? extends JavaFileObject> error : MemoryCompiler.errors(sources)) {
            Source source = error.getSource() instanceof Source known ? known : around;
            errors.add(name
                    + (source == around ? ", line of its surroundings without imports " : ":")
                    + source.describe(error));
        }
        return errors;
    }

    private Source wrap(Block block) throws IOException {
        if (FILE.matcher(block.text).matches()) {
            Matcher type = PUBLIC_TYPE.matcher(block.text);
            return new Source(type.find() ? type.group(1) : "Block" + block.line, "", block.text, "", block.line);
        }
        Source statements = inClass(block, " void block() throws Exception {", "}");
        long wrongStatement = firstSyntaxError(statements);
        if (wrongStatement == Long.MAX_VALUE) {
            return returnsValue(statements) ? inClass(block, " Object block() throws Exception {", "}") : statements;
        }
        Source members = inClass(block, "", "");
        long wrongMember = firstSyntaxError(members);
        if (wrongMember == Long.MAX_VALUE && !hasBodies(members)) {
            String type = "Block" + block.line;
            return new Source(type, imports + "interface " + type + " {", block.text, "}", block.line);
        }
        return wrongMember > wrongStatement ? members : statements; // the form of which a longer part parses
    }

    private Source inClass(Block block, String start, String end) {
        String type = "Block" + block.line;
        String before = imports + "abstract class " + type + " extends Surroundings {" + start;
        return new Source(type, before, block.text, end + "}", block.line);
    }

    private static long firstSyntaxError(Source source) throws IOException {
        return MemoryCompiler.syntaxErrors(source).stream()
                .mapToLong(Diagnostic::getPosition)
                .min()
                .orElse(Long.MAX_VALUE);
    }

    private static boolean returnsValue(Source source) throws IOException {
        boolean[] found = new boolean[1];
        new TreeScanner<Void, Void>() {
            private boolean inside;

            @Override
            public Void visitClass(ClassTree type, Void nothing) {
                if (!inside) {
                    inside = true;
                    super.visitClass(type, nothing);
                }
                return null;
            }

            @Override
            public Void visitLambdaExpression(LambdaExpressionTree lambda, Void nothing) {
                return null;
            }

            @Override
            public Void visitReturn(ReturnTree statement, Void nothing) {
                found[0] |= statement.getExpression() != null;
                return null;
            }
        }.scan(MemoryCompiler.parse(source), null);
        return found[0];
    }

    private static boolean hasBodies(Source source) throws IOException {
        CompilationUnitTree unit = MemoryCompiler.parse(source);
        return ((ClassTree) unit.getTypeDecls().get(0))
                .getMembers().stream()
                        .allMatch(member -> !(member instanceof MethodTree method) || method.getBody() != null);
    }
}
