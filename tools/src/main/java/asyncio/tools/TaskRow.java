package asyncio.tools;

import java.util.List;
import javax.management.openmbean.CompositeData;

/** A task of another process, as reported by its {@code LoopsMXBean}. */
record TaskRow(
        String loop, long id, String name, String state, String waitsFor, List<String> stack, List<Long> awaiters) {

    static TaskRow of(CompositeData data) {
        return new TaskRow(
                (String) data.get("loop"),
                (Long) data.get("id"),
                (String) data.get("name"),
                (String) data.get("state"),
                (String) data.get("waitsFor"),
                List.of((String[]) data.get("stack")),
                List.of((Long[]) data.get("awaiters")));
    }

    /** Describes it in one line: its innermost lines, or the source it waits for if it has none. */
    String doing() {
        return stack.isEmpty() ? waitsFor.isEmpty() ? state : waitsFor : String.join(" <- ", shortStack());
    }

    /** Returns the lines without packages: {@code Feed.next(Feed.java:17)}. */
    List<String> shortStack() {
        return stack.stream().map(TaskRow::withoutPackage).toList();
    }

    private static String withoutPackage(String line) {
        int parenthesis = line.indexOf('(');
        int method = line.lastIndexOf('.', parenthesis);
        return line.substring(line.lastIndexOf('.', method - 1) + 1);
    }
}
