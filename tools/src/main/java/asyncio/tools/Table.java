package asyncio.tools;

import java.io.PrintStream;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.stream.Collectors;

/** Rows under headings, formatted for a person, a spreadsheet or a program. */
final class Table {
    private final List<String> headings;
    private final List<List<String>> rows = new ArrayList<>();

    Table(String... headings) {
        this.headings = List.of(headings);
    }

    void add(String... cells) {
        if (cells.length != headings.size()) {
            throw new IllegalArgumentException(headings + " has no place for " + Arrays.toString(cells));
        }
        rows.add(List.of(cells));
    }

    void print(CommandLine.Format format, PrintStream out) {
        switch (format) {
            case TABLE -> printTable(out);
            case CSV -> printCsv(out);
            case JSON -> printJson(out);
        }
    }

    private void printTable(PrintStream out) {
        int[] widths = new int[headings.size()];
        List<List<String>> all = new ArrayList<>(rows);
        all.add(0, headings);
        for (List<String> row : all) {
            for (int i = 0; i < widths.length; i++) {
                widths[i] = Math.max(widths[i], row.get(i).length());
            }
        }
        printRow(headings, widths, out);
        printRow(Arrays.stream(widths).mapToObj("-"::repeat).toList(), widths, out);
        rows.forEach(row -> printRow(row, widths, out));
    }

    private static void printRow(List<String> row, int[] widths, PrintStream out) {
        StringBuilder line = new StringBuilder();
        for (int i = 0; i < widths.length; i++) {
            line.append(row.get(i)).append(" ".repeat(widths[i] - row.get(i).length() + 2));
        }
        out.println(line.toString().stripTrailing());
    }

    private void printCsv(PrintStream out) {
        List<List<String>> all = new ArrayList<>(rows);
        all.add(0, headings);
        for (List<String> row : all) {
            out.println(row.stream().map(Table::csv).collect(Collectors.joining(",")));
        }
    }

    /** RFC 4180. */
    private static String csv(String cell) {
        return cell.matches("[^\",\\r\\n]*") ? cell : '"' + cell.replace("\"", "\"\"") + '"';
    }

    private void printJson(PrintStream out) {
        List<String> objects = new ArrayList<>();
        for (List<String> row : rows) {
            List<String> members = new ArrayList<>();
            for (int i = 0; i < headings.size(); i++) {
                members.add(json(headings.get(i).replace(' ', '_')) + ": " + json(row.get(i)));
            }
            objects.add("  {" + String.join(", ", members) + "}");
        }
        out.println(objects.isEmpty() ? "[]" : "[\n" + String.join(",\n", objects) + "\n]");
    }

    private static String json(String text) {
        StringBuilder json = new StringBuilder("\"");
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            if (c == '"' || c == '\\') {
                json.append('\\').append(c);
            } else if (c < ' ') {
                json.append(String.format("\\u%04x", (int) c));
            } else {
                json.append(c);
            }
        }
        return json.append('"').toString();
    }

    /** For tests. */
    List<List<String>> rows() {
        return Collections.unmodifiableList(rows);
    }
}
