package asyncio.subprocess;

import java.util.List;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/** Quotes words for a POSIX shell, for messages that can be pasted into one. Python: {@code shlex.join}. */
final class ShellQuoting {
    private static final Pattern PLAIN = Pattern.compile("[A-Za-z0-9_@%+=:,./-]+");

    private ShellQuoting() {}

    /** Returns one line in which the first word is not read as an assignment. */
    static String quote(List<String> words) {
        String program = words.get(0);
        String first = program.indexOf('=') < 0 ? quote(program) : quoted(program);
        return words.stream().skip(1).map(word -> " " + quote(word)).collect(Collectors.joining("", first, ""));
    }

    static String quote(String word) {
        return PLAIN.matcher(word).matches() ? word : quoted(word);
    }

    private static String quoted(String word) {
        return "'" + word.replace("'", "'\"'\"'") + "'";
    }
}
