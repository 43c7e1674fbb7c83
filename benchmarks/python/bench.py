"""The rows of the JMH benchmarks on CPython's asyncio: prints {row: nanoseconds per operation} as JSON.

usage: bench.py [--repeat N] [ROW ...]
"""

import argparse
import asyncio
import gc
import json
import statistics
import sys
import threading
import time


def run_loop(setup):
    """Runs a loop that `setup(loop)` has given something to do, until it stops itself; returns nanoseconds."""
    loop = asyncio.new_event_loop()
    try:
        start = time.perf_counter_ns()
        setup(loop)
        loop.run_forever()
        return time.perf_counter_ns() - start
    finally:
        loop.close()


def run_main(main):
    start = time.perf_counter_ns()
    asyncio.run(main())
    return time.perf_counter_ns() - start


def noop():
    pass


async def one():
    return 1


def callSoonBatch():
    n = 300_000

    def schedule(loop):
        for _ in range(n):
            loop.call_soon(noop)
        loop.call_soon(loop.stop)

    return run_loop(lambda loop: loop.call_soon(schedule, loop)), n


def callSoonChain():
    n = 100_000

    def start(loop):
        left = n

        def link():
            nonlocal left
            left -= 1
            if left:
                loop.call_soon(link)
            else:
                loop.stop()

        loop.call_soon(link)

    return run_loop(start), n


def callSoonThreadsafe():
    n = 50_000

    def start(loop):
        def produce():
            for _ in range(n):
                loop.call_soon_threadsafe(noop)
            loop.call_soon_threadsafe(loop.stop)

        loop.call_soon(threading.Thread(target=produce).start)

    return run_loop(start), n


def callLaterCancel():
    n = 100_000

    def timers(loop):
        handles = [loop.call_later(1000 + i / 1000, noop) for i in range(n)]
        for handle in handles:
            handle.cancel()
        loop.stop()

    return run_loop(lambda loop: loop.call_soon(timers, loop)), n


def awaitDone():
    n = 500_000

    async def main():
        done = asyncio.get_running_loop().create_future()
        done.set_result(1)
        total = 0
        for _ in range(n):
            total += await done

    return run_main(main), n


async def yields(times):
    for _ in range(times):
        await asyncio.sleep(0)


def sleepZero():
    n = 100_000
    return run_main(lambda: yields(n)), n


def pingPong():
    n = 100_000

    async def main():
        first = asyncio.create_task(yields(n // 2))
        second = asyncio.create_task(yields(n // 2))
        await first
        await second

    return run_main(main), n


def futureNextTick():
    n = 50_000

    async def main():
        loop = asyncio.get_running_loop()
        total = 0
        for _ in range(n):
            future = loop.create_future()
            loop.call_soon(future.set_result, 1)
            total += await future

    return run_main(main), n


def spawnJoin():
    n = 50_000

    async def main():
        total = 0
        for _ in range(n):
            total += await asyncio.create_task(one())

    return run_main(main), n


def spawnAllBodies():
    n = 100_000

    async def main():
        tasks = [asyncio.create_task(one()) for _ in range(n)]
        total = 0
        for task in tasks:
            total += await task

    return run_main(main), n


spawnAllMonos = spawnAllBodies  # CPython has one kind of task


def gather(n):
    async def main():
        assert len(await asyncio.gather(*[one() for _ in range(n)])) == n

    return run_main(main), n


def gather10k():
    return gather(10_000)


def gather100k():
    return gather(100_000)


def gather1M():
    return gather(1_000_000)


def groupSpawn100k():
    n = 100_000

    async def main():
        async with asyncio.TaskGroup() as group:
            for _ in range(n):
                group.create_task(one())

    return run_main(main), n


def waitForImmediate():
    n = 100_000

    async def main():
        for _ in range(n):
            await asyncio.wait_for(one(), 3600)

    return run_main(main), n


def waitForSuspending():
    n = 50_000

    async def main():
        for _ in range(n):
            await asyncio.wait_for(asyncio.sleep(0), 3600)

    return run_main(main), n


async def run_all(count, coroutine):
    await asyncio.gather(*[coroutine() for _ in range(count)])


def lockFree():
    n = 200_000

    async def main():
        lock = asyncio.Lock()
        for _ in range(n):
            await lock.acquire()
            lock.release()

    return run_main(main), n


lockTry = lockFree  # CPython's cannot be tried


def shared(make):
    tasks, turns = 64, 500

    async def main():
        what = make()

        async def turn():
            for _ in range(turns):
                async with what:
                    await asyncio.sleep(0)

        await run_all(tasks, turn)

    return run_main(main), tasks * turns


def lockContended():
    return shared(asyncio.Lock)


lockContendedBodies = lockContended  # CPython has one kind of task


def semaphoreContended():
    return shared(lambda: asyncio.Semaphore(8))


def eventCrowd():
    crowd, rounds = 1_000, 50

    async def main():
        for _ in range(rounds):
            event = asyncio.Event()
            tasks = [asyncio.create_task(event.wait()) for _ in range(crowd)]
            await asyncio.sleep(0)
            event.set()
            for task in tasks:
                await task

    return run_main(main), crowd * rounds


def barrierCrowd():
    crowd, rounds = 1_000, 20

    async def main():
        barrier = asyncio.Barrier(crowd)

        async def party():
            for _ in range(rounds):
                await barrier.wait()

        await run_all(crowd, party)

    return run_main(main), crowd * rounds


ROWS = ["callSoonBatch", "callSoonChain", "callSoonThreadsafe", "callLaterCancel", "awaitDone", "sleepZero", "pingPong",
        "futureNextTick", "spawnJoin", "spawnAllBodies", "spawnAllMonos", "gather10k", "gather100k", "gather1M",
        "groupSpawn100k", "waitForImmediate", "waitForSuspending", "lockTry", "lockFree", "lockContended",
        "lockContendedBodies", "semaphoreContended", "eventCrowd", "barrierCrowd"]


def resident_bytes():
    with open("/proc/self/statm") as statm:
        return int(statm.read().split()[1]) * 4096


def parkedResidentBytes():
    """Bytes, not nanoseconds: what one suspended task keeps."""
    n = 100_000

    async def main():
        gate = asyncio.get_running_loop().create_future()

        async def body():
            return await gate

        gc.collect()
        before = resident_bytes()
        tasks = [asyncio.create_task(body()) for _ in range(n)]
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        gc.collect()
        size = (resident_bytes() - before) / n
        gate.set_result(1)
        for task in tasks:
            await task
        return size

    return asyncio.run(main())


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--repeat", type=int, default=5, help="the result is the median of so many runs")
    parser.add_argument("rows", nargs="*", metavar="ROW")
    arguments = parser.parse_args()
    rows = arguments.rows or ROWS + ["parkedResidentBytes"]
    result = {"python": sys.version.split()[0]}
    if "parkedResidentBytes" in rows and sys.platform == "linux":
        result["parkedResidentBytes"] = parkedResidentBytes()  # first, while memory is fresh
    for row in rows:
        if row in ROWS:
            runs = [globals()[row]() for _ in range(arguments.repeat)]
            result[row] = statistics.median(nanos / n for nanos, n in runs)
    json.dump(result, sys.stdout, indent=2)
    print()


if __name__ == "__main__":
    main()
