package asyncio.examples;

import com.sun.source.tree.CompilationUnitTree;
import com.sun.source.util.JavacTask;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.net.URI;
import java.util.List;
import java.util.Locale;
import javax.tools.Diagnostic;
import javax.tools.DiagnosticCollector;
import javax.tools.FileObject;
import javax.tools.ForwardingJavaFileManager;
import javax.tools.JavaCompiler;
import javax.tools.JavaFileManager;
import javax.tools.JavaFileObject;
import javax.tools.SimpleJavaFileObject;
import javax.tools.ToolProvider;

/** Javac on sources in memory, for Java 17 and with the class path of the tests; its output is discarded. */
final class MemoryCompiler {
    /** A source that contains lines of another text; the first of them has the number {@code line} there. */
    static final class Source extends SimpleJavaFileObject {
        private final String code;
        private final int line;

        /** Makes the source of a top-level type; {@code before} is one line, or empty. */
        Source(String type, String before, String text, String after, int line) {
            super(URI.create("memory:///" + type + ".java"), Kind.SOURCE);
            this.code = (before.isEmpty() ? "" : before + '\n') + text + '\n' + after;
            this.line = before.isEmpty() ? line : line - 1;
        }

        @Override
        public CharSequence getCharContent(boolean ignoreEncodingErrors) {
            return code;
        }

        /** The line in the text, and the compiler's message. */
        String describe(Diagnostic<?> error) {
            return line + error.getLineNumber() - 1 + ": "
                    + error.getMessage(Locale.ROOT).replaceAll("\\s*\\R\\s*", "; ");
        }
    }

    private static final JavaCompiler JAVAC = ToolProvider.getSystemJavaCompiler();
    private static final JavaFileManager FILES =
            new ForwardingJavaFileManager<JavaFileManager>(JAVAC.getStandardFileManager(null, Locale.ROOT, null)) {
                @Override
                public JavaFileObject getJavaFileForOutput(
                        Location location, String type, JavaFileObject.Kind kind, FileObject sibling) {
                    return new SimpleJavaFileObject(URI.create("memory:///" + type + kind.extension), kind) {
                        @Override
                        public OutputStream openOutputStream() {
                            return new ByteArrayOutputStream();
                        }
                    };
                }
            };

    private MemoryCompiler() {}

    /** The errors of sources that are compiled together. */
    static List<Diagnostic<? extends JavaFileObject>> errors(List<Source> sources) {
        DiagnosticCollector<JavaFileObject> diagnostics = new DiagnosticCollector<>();
        task(sources, diagnostics).call();
        return errors(diagnostics);
    }

    /** The errors for which a source cannot be parsed. */
    static List<Diagnostic<? extends JavaFileObject>> syntaxErrors(Source source) throws IOException {
        DiagnosticCollector<JavaFileObject> diagnostics = new DiagnosticCollector<>();
        task(List.of(source), diagnostics).parse();
        return errors(diagnostics);
    }

    /** The tree of a source that can be parsed. */
    static CompilationUnitTree parse(Source source) throws IOException {
        return task(List.of(source), new DiagnosticCollector<>())
                .parse()
                .iterator()
                .next();
    }

    private static JavacTask task(List<Source> sources, DiagnosticCollector<JavaFileObject> diagnostics) {
        List<String> options = List.of(
                "--release",
                "17",
                "-proc:none",
                "-XDshould-stop.ifError=FLOW",
                "-Xmaxerrs",
                "1000",
                "-cp",
                System.getProperty("java.class.path"));
        return (JavacTask) JAVAC.getTask(null, FILES, diagnostics, options, null, sources);
    }

    private static List<Diagnostic<? extends JavaFileObject>> errors(DiagnosticCollector<JavaFileObject> diagnostics) {
        return diagnostics.getDiagnostics().stream()
                .filter(diagnostic -> diagnostic.getKind() == Diagnostic.Kind.ERROR)
                .<Diagnostic<? extends JavaFileObject>>map(diagnostic -> diagnostic)
                .toList();
    }
}
