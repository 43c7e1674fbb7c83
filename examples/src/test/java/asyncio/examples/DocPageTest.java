package asyncio.examples;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import org.junit.jupiter.api.Test;

class DocPageTest {
    private static DocPage page(String surroundings, String... lines) {
        return new DocPage("page.md", String.join("\n", lines), surroundings);
    }

    private static DocPage block(String... lines) {
        return new DocPage(
                "page.md", "```java\n" + String.join("\n", lines) + "\n```\n", "import java.util.*;\nint known;");
    }

    @Test
    void takesTheJavaBlocksAndNothingElse() {
        DocPage page = page(
                "",
                "# Title",
                "```java",
                "int a;",
                "",
                "int b;",
                "```",
                "```xml",
                "<a/>",
                "```",
                "  ```java",
                "int c;",
                "  ```");
        assertThat(page.blocks())
                .containsExactly(new DocPage.Block(3, "int a;\n\nint b;"), new DocPage.Block(11, "int c;"));
    }

    @Test
    void takesABlockWithoutAnEnd() throws IOException {
        assertThat(page("", "```java", "int a = 1").errors()).containsExactly("page.md:2: ';' expected");
    }

    @Test
    void namesPageAndLineOfAnUnknownName() throws IOException {
        assertThat(page("", "text", "```java", "int a = 1;", "a = missing;", "```")
                        .errors())
                .singleElement()
                .asString()
                .startsWith("page.md:4: cannot find symbol")
                .contains("missing");
    }

    @Test
    void namesPageAndLineOfWrongSyntaxAsWellAsErrorsOfOtherBlocks() throws IOException {
        assertThat(page(
                                "",
                                "```java",
                                "int a = 1",
                                "```",
                                "```java",
                                "int b = missing;",
                                "```",
                                "```java",
                                "int c = \"\";",
                                "```")
                        .errors())
                .satisfiesExactly(
                        error -> assertThat(error).isEqualTo("page.md:2: ';' expected"),
                        error -> assertThat(error).startsWith("page.md:5: cannot find symbol"),
                        error -> assertThat(error).startsWith("page.md:8: incompatible types"));
    }

    @Test
    void takesTheJavaBlocksOfJavadoc() {
        DocPage page = DocPage.ofJavadoc(
                "Page.java",
                String.join(
                        "\n",
                        "/**",
                        " * A page.",
                        " *",
                        " * <pre>{@code",
                        " * if (a) {",
                        " *     b();",
                        " * }",
                        " * }</pre>",
                        " *",
                        " * <pre>mvn verify</pre>, {@code mvn -v}",
                        " */",
                        "class Page {",
                        "    /** <pre>{@code c();}</pre> */",
                        "    int c;",
                        "",
                        "    /**",
                        "     * {@snippet lang = java :",
                        "     * d();",
                        "     *",
                        "     * e();",
                        "     * }",
                        "     */",
                        "    int d;"),
                "");
        assertThat(page.blocks())
                .containsExactly(
                        new DocPage.Block(5, "if (a) {\n    b();\n}"),
                        new DocPage.Block(13, "c();"),
                        new DocPage.Block(18, "d();\n\ne();"));
    }

    @Test
    void namesFileAndLineOfAnErrorInJavadoc() throws IOException {
        DocPage page = DocPage.ofJavadoc(
                "Page.java", "/**\n * <pre>{@code\n * int a = 1;\n * a = missing;\n * }</pre>\n */", "");
        assertThat(page.errors()).singleElement().asString().startsWith("Page.java:4: cannot find symbol");
    }

    @Test
    void compilesStatementsThatThrow() throws IOException {
        assertThat(block("int a = 1;", "if (a == 2) throw new Exception();", "class Local {}")
                        .errors())
                .isEmpty();
    }

    @Test
    void compilesStatementsThatReturnSomething() throws IOException {
        assertThat(block("Runnable r = () -> { return; };", "return r;").errors())
                .isEmpty();
    }

    @Test
    void compilesMembers() throws IOException {
        assertThat(block("int field = known;", "int twice() { return 2 * field; }")
                        .errors())
                .isEmpty();
        assertThat(block("int twice() { return 2 * missing; }").errors()).hasSize(1);
    }

    @Test
    void compilesMethodsWithoutBodies() throws IOException {
        assertThat(block("int size();", "List<String> names();").errors()).isEmpty();
    }

    @Test
    void compilesAWholeFileAsItIs() throws IOException {
        assertThat(block("import java.util.Set;", "", "public class Main {", "    Set<String> names;", "}")
                        .errors())
                .isEmpty();
        assertThat(block("import java.util.Set;", "", "public class Main {", "    List<String> names;", "}")
                        .errors())
                .as("the imports of the surroundings are not its own")
                .singleElement()
                .asString()
                .startsWith("page.md:5: cannot find symbol");
    }

    @Test
    void letsABlockDeclareANameAnew() throws IOException {
        assertThat(block("String known = \"\";", "known.length();").errors()).isEmpty();
    }

    @Test
    void refusesAnExpressionThatIsNoStatement() throws IOException {
        assertThat(block("1 + 1;").errors()).containsExactly("page.md:2: not a statement");
    }

    @Test
    void namesTheSurroundingsIfTheyAreWrong() throws IOException {
        assertThat(page("import java.util.List;\nint a;\nMissing b;").errors())
                .singleElement()
                .asString()
                .startsWith("page.md, line of its surroundings without imports 2: cannot find symbol");
    }
}
