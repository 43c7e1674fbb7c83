package asyncio;

import static asyncio.Asyncio.async;
import static asyncio.Asyncio.await;
import static asyncio.Asyncio.createTask;
import static asyncio.Asyncio.currentTask;
import static asyncio.Asyncio.sleep;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.concurrent.TimeoutException;
import java.util.stream.Collectors;
import reactor.core.publisher.Mono;

/**
 * Random programs of nested scopes, with their traces. A program is a tree that runs here and, by
 * {@code src/test/python/scope_trees.py}, in CPython.
 */
final class ScopeTrees {
    enum Kind {
        SLEEP,
        /** Sleeps, then fails. */
        FAIL,
        SEQUENCE,
        /** A group; the first node is its body, the others are its tasks. */
        GROUP,
        /** As GROUP; its last task is cancelled after a while. */
        GROUP_CANCELS,
        /** As GROUP; it is cancelled itself after a while. */
        GROUP_STOPS,
        ALL,
        TIMEOUT,
        WAIT_FOR,
        /** As WAIT_FOR, for a task. */
        WAIT_FOR_TASK,
        TASK,
        SHIELD,
        /** The second node in the finally block of the first. */
        FINALLY,
        /** As FINALLY; the second node is shielded, with a time limit. */
        CLEANUP,
        /** Runs the second node if the first is cancelled, and continues. */
        REFUSE,
        /** Catches errors, not cancellations. */
        CATCH
    }

    /**
     * @param micros a delay or limit
     * @param style the style of a scope: straight-line, reactive in the same task, or a task without a thread, with
     *     another task for its body
     */
    record Node(Kind kind, int id, long micros, int style, List<Node> nodes) {
        /** As JSON. */
        @Override
        public String toString() {
            return "[\"" + kind + "\"," + id + "," + micros + "," + style + ","
                    + nodes.stream().map(Node::toString).collect(Collectors.joining(",", "[", "]")) + "]";
        }
    }

    /**
     * A program.
     *
     * @param cancelAt the times at which the task of the root is cancelled from outside
     */
    record Tree(Node root, List<Long> cancelAt) {
        @Override
        public String toString() {
            return "[" + root + "," + cancelAt + "]";
        }
    }

    static final class Boom extends Exception {
        private static final long serialVersionUID = 1;

        final int id;

        Boom(int id) {
            super("E" + id);
            this.id = id;
        }
    }

    // ---- making programs

    private static final class Maker {
        private final Random random;
        private final int delays;
        private final boolean mixed;
        private int ids;

        Maker(Random random, int delays, boolean mixed) {
            this.random = random;
            this.delays = delays;
            this.mixed = mixed;
        }

        private long micros() {
            return 1 + random.nextInt(delays);
        }

        Node node(int depth) {
            int id = ids++;
            Kind[] kinds = Kind.values();
            Kind kind = depth == 0 ? kinds[random.nextInt(2)] : kinds[random.nextInt(kinds.length)];
            int count = switch (kind) {
                case SLEEP, FAIL -> 0;
                case SEQUENCE, FINALLY, CLEANUP, REFUSE -> 2;
                case GROUP, GROUP_CANCELS, GROUP_STOPS, ALL -> 2 + random.nextInt(3);
                default -> 1;
            };
            List<Node> nodes = new ArrayList<>();
            for (int i = 0; i < count; i++) {
                nodes.add(node(depth - 1));
            }
            return new Node(kind, id, micros(), mixed ? random.nextInt(3) : 0, nodes);
        }
    }

    /**
     * @param delays the longest delay in microseconds, from 1 on: with a low value much happens in the same tick
     * @param mixed whether to use all styles, rather than straight-line only
     */
    static Tree make(long seed, int delays, boolean mixed) {
        Random random = new Random(seed);
        Maker maker = new Maker(random, delays, mixed);
        Node root = maker.node(2 + random.nextInt(4));
        List<Long> cancelAt = new ArrayList<>();
        for (int i = random.nextInt(3); i > 0; i--) {
            cancelAt.add(maker.micros() * 2);
        }
        return new Tree(root, cancelAt);
    }

    // ---- running programs

    private final Tree tree;
    private final boolean counts;
    private final boolean eager;
    private Duration start = Duration.ZERO;
    /** The actions of each node, in order, with times. */
    private final TreeMap<Integer, StringBuilder> trace = new TreeMap<>();
    /** The errors that were raised and have not been found since. */
    final TreeSet<Integer> missing = new TreeSet<>();

    private final List<TimerHandle> timers = new ArrayList<>();

    final List<String> complaints = new ArrayList<>();

    /**
     * @param counts whether the counts of cancellations are part of the trace
     * @param eager whether some tasks start eagerly
     */
    ScopeTrees(Tree tree, boolean counts, boolean eager) {
        this.tree = tree;
        this.counts = counts;
        this.eager = eager;
    }

    /** Runs the tree in a body, and waits until everything it started has ended. */
    void run() throws Exception {
        EventLoop loop = EventLoop.getRunningLoop();
        start = loop.time();
        Task<Void> root = createTask(coroutine(tree.root()));
        for (long at : tree.cancelAt()) {
            timers.add(loop.callLater(Duration.ofNanos(at * 1000), root::cancel));
        }
        try {
            await(root);
        } catch (Exception e) {
            found(e);
        }
        while (loop.allTasks().size() > 1) { // of shields
            await(sleep(Duration.ofMillis(1)));
        }
        timers.forEach(TimerHandle::cancel);
    }

    private long micros() {
        return EventLoop.getRunningLoop().time().minus(start).toNanos() / 1000;
    }

    private void log(Node node, String what) {
        trace.computeIfAbsent(node.id(), id -> new StringBuilder())
                .append(' ')
                .append(micros())
                .append(':')
                .append(what);
    }

    private Mono<Void> coroutine(Node node) {
        return async(() -> run(node));
    }

    private void run(Node node) throws Exception {
        log(node, "start");
        String outcome = "ok";
        try {
            execute(node);
        } catch (Throwable e) {
            outcome = outcome(e);
            throw e;
        } finally {
            log(node, counts ? outcome + "/" + currentTask().cancelling() : outcome);
        }
    }

    private void execute(Node node) throws Exception {
        Duration delay = Duration.ofNanos(node.micros() * 1000);
        List<Node> nodes = node.nodes();
        switch (node.kind()) {
            case SLEEP -> await(sleep(delay));
            case FAIL -> {
                await(sleep(delay));
                missing.add(node.id());
                throw new Boom(node.id());
            }
            case SEQUENCE -> {
                run(nodes.get(0));
                run(nodes.get(1));
            }
            case GROUP, GROUP_CANCELS, GROUP_STOPS -> group(node, delay);
            case ALL ->
                await(inAnyTask(
                        node, Asyncio.all(nodes.stream().map(this::coroutine).toList())));
            case TIMEOUT -> timeout(node, nodes.get(0), delay);
            case WAIT_FOR -> await(inAnyTask(node, Asyncio.waitFor(coroutine(nodes.get(0)), delay)));
            case WAIT_FOR_TASK -> await(inAnyTask(node, Asyncio.waitFor(createTask(coroutine(nodes.get(0))), delay)));
            case TASK -> await(createTask(coroutine(nodes.get(0))));
            case SHIELD -> await(Asyncio.shield(createTask(coroutine(nodes.get(0)))));
            case FINALLY, CLEANUP -> {
                Throwable replaced = null;
                try {
                    run(nodes.get(0));
                } catch (Throwable e) {
                    replaced = e;
                    throw e;
                } finally {
                    Throwable lost = replaced;
                    try {
                        if (node.kind() == Kind.FINALLY) {
                            run(nodes.get(1));
                        } else {
                            await(inAnyTask(node, Asyncio.shieldedCleanup(coroutine(nodes.get(1)), delay)));
                        }
                    } catch (Throwable e) {
                        if (lost != null) {
                            found(lost); // in Python it is the context of the other error
                        }
                        throw e;
                    }
                }
            }
            case REFUSE -> {
                try {
                    run(nodes.get(0));
                } catch (CancelledException e) {
                    found(e);
                    run(nodes.get(1));
                }
            }
            case CATCH -> {
                try {
                    run(nodes.get(0));
                } catch (CancelledException e) {
                    throw e;
                } catch (Exception e) {
                    found(e);
                }
            }
        }
    }

    /** Runs a scope inline, or as a separate task. */
    private static <T> Mono<T> inAnyTask(Node node, Mono<T> scope) {
        return node.style() == 2 ? createTask(scope) : scope;
    }

    private void group(Node node, Duration delay) throws Exception {
        List<Task<?>> tasks = new ArrayList<>();
        BodyFunction<TaskGroup, Mono<Void>> begin = group -> {
            for (Node child : node.nodes().subList(1, node.nodes().size())) {
                TaskOptions options = TaskOptions.DEFAULTS.withEager(eager && child.style() == 1);
                tasks.add(group.createTask(coroutine(child), options));
            }
            if (node.kind() == Kind.GROUP_CANCELS) {
                timers.add(EventLoop.getRunningLoop()
                        .callLater(delay, () -> tasks.get(tasks.size() - 1).cancel()));
            } else if (node.kind() == Kind.GROUP_STOPS) {
                timers.add(EventLoop.getRunningLoop().callLater(delay, group::cancel));
            }
            return coroutine(node.nodes().get(0));
        };
        try {
            switch (node.style()) {
                case 0 -> await(TaskGroup.<Void>scopeBody(group -> await(begin.apply(group))));
                case 1 -> await(reactive(begin));
                default -> await(createTask(reactive(begin)));
            }
        } finally {
            for (Task<?> task : tasks) {
                if (!task.done()) {
                    complaints.add("the group " + node.id() + " left " + task);
                }
            }
        }
    }

    private static Mono<Void> reactive(BodyFunction<TaskGroup, Mono<Void>> begin) {
        return TaskGroup.scope(group -> {
            try {
                return begin.apply(group);
            } catch (Exception e) {
                return Mono.error(e);
            }
        });
    }

    private void timeout(Node node, Node body, Duration delay) throws Exception {
        switch (node.style()) {
            case 0 -> await(asyncio.Timeout.<Void>scopeBody(delay, timeout -> await(coroutine(body))));
            case 1 -> await(asyncio.Timeout.scope(delay, timeout -> coroutine(body)));
            default -> await(createTask(asyncio.Timeout.scope(delay, timeout -> coroutine(body))));
        }
    }

    /** Records that an error was received, with the errors in it. */
    void found(Throwable error) {
        if (error instanceof Boom boom) {
            missing.remove(boom.id);
        }
        for (Throwable suppressed : error.getSuppressed()) {
            found(suppressed);
        }
        if (error.getCause() != null) {
            found(error.getCause());
        }
    }

    private String outcome(Throwable e) {
        if (e instanceof CancelledException) {
            return "C";
        }
        if (e instanceof TimeoutException) {
            return "T";
        }
        if (e instanceof Boom boom) {
            return "E" + boom.id;
        }
        if (e instanceof ExceptionGroup group) {
            return group.exceptions().stream().map(this::outcome).sorted().collect(Collectors.joining(",", "G(", ")"));
        }
        complaints.add("unexpected: " + e);
        return e.toString();
    }

    /** Returns the trace, by nodes. */
    String what() {
        StringBuilder what = new StringBuilder();
        trace.forEach((id, log) -> what.append(id).append(log).append(';'));
        return what.toString();
    }

    // ---- for the comparison with CPython

    /**
     * Prints programs and their traces, for {@code scope_trees.py}; the arguments are their number, and whether to use
     * all styles.
     */
    public static void main(String[] args) throws Exception {
        boolean mixed = args.length > 1 && args[1].equals("mixed");
        for (int seed = 0; seed < Integer.parseInt(args[0]); seed++) {
            Tree tree = make(seed, args.length > 2 ? Integer.parseInt(args[2]) : 1_000_000, mixed);
            ScopeTrees run = new ScopeTrees(tree, true, false);
            VirtualTime.run(() -> {
                EventLoop.getRunningLoop().setExceptionHandler((loop, context) -> {});
                run.run();
            });
            System.out.println(seed + "\t" + tree + "\t" + run.what());
            for (String complaint : run.complaints) {
                System.err.println(seed + ": " + complaint);
            }
        }
    }
}
