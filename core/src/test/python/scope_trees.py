"""Runs the programs that asyncio.ScopeTrees (src/test/java) prints, and compares what they do.

    mvn -q test-compile -pl bridge
    java -cp bridge/target/test-classes:bridge/target/classes:... asyncio.ScopeTrees 500 > trees.txt        # or: 500 mixed
    python3.13 bridge/src/test/python/scope_trees.py trees.txt [crcs.txt]

The second file gets a line for each program: its seed and the CRC of what CPython did. src/test/resources/asyncio/scope-trees-*.txt
are such files, which StructuredConcurrencyPropertyTest compares with.

The times are virtual. With a third argument to ScopeTrees, the longest delay in microseconds, more happens in one tick, and some
programs differ: a sleep wakes its task a tick earlier here.
"""
import asyncio
import json
import logging
import sys
import zlib


class Boom(Exception):
    pass


class VirtualLoop(asyncio.SelectorEventLoop):
    def __init__(self):
        super().__init__()
        self.now = 0.0
        self._clock_resolution = 1e-7
        select = self._selector.select

        def jump(timeout=None):
            if timeout is None:
                raise SystemExit("deadlock")
            if timeout > 0:
                self.now += timeout
            return select(0)

        self._selector.select = jump

    def time(self):
        return self.now


def outcome(e):
    if isinstance(e, asyncio.CancelledError):
        return "C"
    if isinstance(e, TimeoutError):
        return "T"
    if isinstance(e, BaseExceptionGroup):
        return "G(" + ",".join(sorted(outcome(x) for x in e.exceptions)) + ")"
    return str(e)


class StoppableGroup(asyncio.TaskGroup):
    """With cancel(), which came with 3.15, and what has been mended there since: no cancellation from outside is dropped."""

    async def __aenter__(self):
        task = asyncio.current_task()
        self._before = 0 if task._must_cancel else task.cancelling()
        return await super().__aenter__()

    def cancel(self):
        if self._exiting and not self._tasks:
            return
        if not self._aborting:
            self._abort()
        if not self._parent_cancel_requested:
            self._parent_cancel_requested = True
            self._parent_task.cancel()

    async def __aexit__(self, kind, error, traceback):
        self._exiting = True
        cancelled = error if isinstance(error, asyncio.CancelledError) else None
        if error is not None and not self._aborting:
            self._abort()
        while self._tasks:
            self._on_completed_fut = self._loop.create_future()
            try:
                await self._on_completed_fut
            except asyncio.CancelledError as e:
                cancelled = cancelled or e
                if not self._aborting:
                    self._abort()
            self._on_completed_fut = None
        task = self._parent_task
        if self._parent_cancel_requested and task.uncancel() <= self._before:
            cancelled = None
        if error is not None and not isinstance(error, asyncio.CancelledError):
            self._errors.append(error)
        if self._errors:
            if task.cancelling():
                task.uncancel()
                task.cancel()
            raise BaseExceptionGroup("unhandled errors in a TaskGroup", self._errors)
        if cancelled:
            raise cancelled
        return True


async def shielded_cleanup(coro, limit):
    """Waits for a task, whatever cancellations come; they stay requested."""
    loop = asyncio.get_running_loop()
    work = asyncio.Task(coro, loop=loop, eager_start=True)
    expired = cancelled = False

    def expire():
        nonlocal expired
        expired = True
        work.cancel()

    alarm = loop.call_later(limit, expire)
    while not work.done():
        try:
            await asyncio.wait([work])
        except asyncio.CancelledError:
            cancelled = True
    alarm.cancel()
    if cancelled:
        asyncio.current_task().uncancel()
        asyncio.current_task().cancel()
    if expired and work.cancelled():
        raise TimeoutError
    return work.result()


class Run:
    def __init__(self):
        self.trace = {}

    def log(self, node, what):
        micros = round(asyncio.get_running_loop().time() * 1e6)
        self.trace.setdefault(node[1], []).append(f"{micros}:{what}")

    async def run(self, node):
        self.log(node, "start")
        result = "ok"
        try:
            await self.execute(node)
        except BaseException as e:
            result = outcome(e)
            raise
        finally:
            self.log(node, f"{result}/{asyncio.current_task().cancelling()}")

    async def execute(self, node):
        kind, id, micros, style, nodes = node
        delay = micros / 1e6
        run = self.run

        async def body():
            # a scope without a thread has another task for its body
            await (asyncio.create_task(run(nodes[0])) if style == 2 else run(nodes[0]))

        async def group():
            async with asyncio.TaskGroup() as group:
                tasks = [group.create_task(run(n)) for n in nodes[1:]]
                if kind == "GROUP_CANCELS":
                    asyncio.get_running_loop().call_later(delay, tasks[-1].cancel)
                await body()

        async def stoppable_group():
            async with StoppableGroup() as group:
                for n in nodes[1:]:
                    group.create_task(run(n))
                asyncio.get_running_loop().call_later(delay, group.cancel)
                await body()

        async def all_of_them():
            async with asyncio.TaskGroup() as group:
                for n in nodes:
                    group.create_task(run(n))

        async def timeout():
            async with asyncio.timeout(delay):
                await body()

        async def scope(coro):
            await (asyncio.create_task(coro) if style == 2 else coro)

        if kind == "SLEEP":
            await asyncio.sleep(delay)
        elif kind == "FAIL":
            await asyncio.sleep(delay)
            raise Boom(f"E{id}")
        elif kind == "SEQUENCE":
            await run(nodes[0])
            await run(nodes[1])
        elif kind in ("GROUP", "GROUP_CANCELS"):
            await scope(group())
        elif kind == "GROUP_STOPS":
            await scope(stoppable_group())
        elif kind == "ALL":
            await scope(all_of_them())
        elif kind == "TIMEOUT":
            await scope(timeout())
        elif kind == "WAIT_FOR":
            await scope(asyncio.wait_for(body(), delay))
        elif kind == "WAIT_FOR_TASK":
            await scope(asyncio.wait_for(asyncio.create_task(run(nodes[0])), delay))
        elif kind == "TASK":
            await asyncio.create_task(run(nodes[0]))
        elif kind == "SHIELD":
            await asyncio.shield(asyncio.create_task(run(nodes[0])))
        elif kind == "FINALLY":
            try:
                await run(nodes[0])
            finally:
                await run(nodes[1])
        elif kind == "CLEANUP":
            try:
                await run(nodes[0])
            finally:
                await scope(shielded_cleanup(run(nodes[1]), delay))
        elif kind == "REFUSE":
            try:
                await run(nodes[0])
            except asyncio.CancelledError:
                await run(nodes[1])
        elif kind == "CATCH":
            try:
                await run(nodes[0])
            except Exception:
                pass
        else:
            raise SystemExit(kind)

    async def main(self, root, cancel_at):
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(lambda *_: None)
        task = asyncio.create_task(self.run(root))
        for at in cancel_at:
            loop.call_later(at / 1e6, task.cancel)
        await asyncio.wait([task])
        if not task.cancelled():
            task.exception()
        while len(asyncio.all_tasks()) > 1:
            await asyncio.sleep(0.001)


def main(path, crcs=None):
    logging.disable(logging.CRITICAL)
    same = different = 0
    crcs = open(crcs, "w") if crcs else None
    for line in open(path):
        seed, tree, theirs = line.rstrip("\n").split("\t")
        root, cancel_at = json.loads(tree)
        run = Run()
        with asyncio.Runner(loop_factory=VirtualLoop) as runner:
            runner.run(run.main(root, cancel_at))
        ours = "".join(f"{id} {' '.join(what)};" for id, what in sorted(run.trace.items()))
        if crcs:
            print(seed, f"{zlib.crc32(ours.encode()):08x}", file=crcs)
        if ours == theirs:
            same += 1
        else:
            different += 1
            if different <= 5:
                print(f"seed {seed}: {tree}")
                for a, b in zip(ours.split(";"), theirs.split(";")):
                    print("  " + a if a == b else f"  CPython {a}\n  here    {b}")
    print(f"{same} the same, {different} different")
    sys.exit(different != 0)


main(*sys.argv[1:])
