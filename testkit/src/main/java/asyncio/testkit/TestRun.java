package asyncio.testkit;

import static asyncio.Asyncio.async;
import static asyncio.Asyncio.await;
import static asyncio.Asyncio.createTask;

import asyncio.Body;
import asyncio.ExceptionGroup;
import asyncio.Future;
import asyncio.Suppressed;
import asyncio.Task;
import asyncio.TaskGroup;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/** The loop of one JUnit test, and the group of its next method. */
final class TestRun {
    final VirtualTimeLoop time;
    private @Nullable Group group;

    TestRun(VirtualTimeLoop time) {
        this.time = time;
    }

    /** Opens a group for the method that is about to run. */
    TaskGroup openGroup() throws Exception {
        return time.run(() -> {
            Group opened = new Group(time);
            group = opened;
            return await(opened.entered);
        });
    }

    /** Runs a method as a body, within its group if it has one. */
    void run(Body method) throws Exception {
        Group group = this.group;
        if (group == null) {
            time.run(method);
        } else {
            this.group = null;
            group.run(method);
        }
    }

    /**
     * A group that exists before its body: a task is in the scope and awaits the body, which is another task. So a
     * child that fails cancels the body, and the end of the body ends the group.
     */
    private static final class Group {
        final Future<TaskGroup> entered;
        private final VirtualTimeLoop time;
        private final Future<Void> begun;
        private final Task<?> scope;
        private @Nullable Task<?> body;

        Group(VirtualTimeLoop time) {
            this.time = time;
            this.entered = time.loop().createFuture();
            this.begun = time.loop().createFuture();
            this.scope = time.loop()
                    .createTask(
                            TaskGroup.scopeBody(group -> {
                                entered.setResult(group);
                                await(begun);
                                await(Objects.requireNonNull(body));
                                return group;
                            }),
                            "group of the test");
        }

        void run(Body method) throws Exception {
            try {
                time.run(async(() -> {
                    body = createTask(
                            async(time.interruptible(() -> {
                                method.run();
                                return true;
                            })),
                            "body of the test");
                    begun.setResult(null);
                    await(scope);
                }));
            } catch (ExceptionGroup e) {
                throw VirtualTimeLoop.sneaky(unwrapped(e, Objects.requireNonNull(body)));
            } catch (Error e) {
                endScope(e);
                throw e;
            }
        }

        /**
         * Returns the failure of the body, which is that of the test, or else the first assertion that failed in a
         * child; the other failures are added as suppressed.
         */
        private static Throwable unwrapped(ExceptionGroup all, Task<?> body) {
            Throwable own = body.done() && !body.cancelled() ? body.exception() : null;
            Throwable first = own != null
                    ? own
                    : all.exceptions().stream()
                            .filter(AssertionError.class::isInstance)
                            .findFirst()
                            .orElse(null);
            if (first == null) {
                return all;
            }
            return Suppressed.addAll(first, all.exceptions());
        }

        /** Ends the children after an Error has ended the run of the loop before the group could. */
        private void endScope(Error first) {
            if (first instanceof DeadlockError || first instanceof TimeLimitError) {
                return;
            }
            try {
                time.run(scope);
            } catch (ExceptionGroup e) {
                Suppressed.addAll(first, e.exceptions());
            } catch (Exception | Error e) {
                Suppressed.add(first, e);
            }
        }
    }
}
