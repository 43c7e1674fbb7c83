"""Subprocesses on CPython ("measure"), and beside asyncio.benchmarks.Children ("table"). See ../README.md."""

import argparse
import asyncio
import collections
import importlib.util
import os
import pathlib
import statistics
import subprocess
import sys
import time

PIPE = asyncio.subprocess.PIPE
BLOCK = bytes(65536)


def report(row, start):
    print(f"{row}\t{time.perf_counter() - start}", flush=True)


async def once():
    child = await asyncio.create_subprocess_exec("/bin/true", stdin=PIPE, stdout=PIPE, stderr=PIPE)
    await child.communicate(b"")
    assert child.returncode == 0


async def at_once(count):
    permits = asyncio.Semaphore(16)

    async def one():
        async with permits:
            await once()

    await asyncio.gather(*[one() for _ in range(count)])


async def pipe(total):
    cat = await asyncio.create_subprocess_exec("cat", stdin=PIPE, stdout=PIPE)

    async def write():
        for _ in range(total // len(BLOCK)):
            cat.stdin.write(BLOCK)
            await cat.stdin.drain()
        cat.stdin.close()

    async def read():
        come = 0
        while chunk := await cat.stdout.read(65536):
            come += len(chunk)
        return come

    _, come = await asyncio.gather(write(), read())
    assert come == total and await cat.wait() == 0


async def live():
    start = time.perf_counter()
    cats = [await asyncio.create_subprocess_exec("cat", stdin=PIPE, stdout=PIPE, stderr=PIPE) for _ in range(200)]
    report("start 200, s", start)
    start = time.perf_counter()
    for _ in range(20):
        for cat in cats:
            cat.stdin.write(b"hello, child\n")
        for cat in cats:
            await cat.stdout.readline()
    report("20 rounds of echo with 200, s", start)
    for line in pathlib.Path("/proc/self/status").read_text().splitlines():
        words = line.split()
        if words[0] == "VmRSS:":
            print(f"resident with 200, MiB\t{int(words[1]) / 1024}")
        elif words[0] == "Threads:":
            print(f"threads with 200\t{words[1]}")
    print(f"descriptors with 200\t{len(os.listdir('/proc/self/fd'))}")
    for cat in cats:
        cat.stdin.close()
    for cat in cats:
        await cat.wait()


async def measure():
    for _ in range(50):
        await once()
    await at_once(50)
    await pipe(1 << 28)
    start = time.perf_counter()
    for _ in range(500):
        await once()
    report("500 one by one, s", start)
    start = time.perf_counter()
    await at_once(500)
    report("500, 16 at a time, s", start)
    start = time.perf_counter()
    await pipe(1 << 30)
    report("1 GiB through cat, s", start)
    await live()


def contestants(options):
    python = [sys.executable, __file__, "measure"]
    java = [options.java, "-Xmx1g", "-XX:+UseSerialGC", "-XX:+IgnoreUnrecognizedVMOptions", "--enable-native-access=ALL-UNNAMED"]
    main = ["-cp", options.jar, "asyncio.benchmarks.Children"]
    yield "CPython", python
    if importlib.util.find_spec("uvloop"):
        yield "uvloop", python + ["uvloop"]
    yield "here", java + main
    yield "VFORK", java + ["-Djdk.lang.Process.launchMechanism=VFORK"] + main
    yield "threads", java + ["-Dasyncio.subprocess=threads"] + main


def table(options):
    figures = collections.defaultdict(lambda: collections.defaultdict(list))
    names = [name for name, _ in contestants(options)]
    for _ in range(options.rounds):
        for name, command in contestants(options):
            text = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
            for line in text.splitlines():
                row, value = line.split("\t")
                figures[row][name].append(float(value))
    print("| row | " + " | ".join(names) + " |\n|---|" + "--:|" * len(names))
    for row, columns in figures.items():
        cells = []
        for name in names:
            values = columns.get(name)
            if not values:
                cells.append("")
                continue
            cell = f"{statistics.median(values):.2f}" if row.endswith("s") and "," in row else f"{statistics.median(values):.0f}"
            if name != "CPython" and row.endswith(", s") and columns.get("CPython"):
                cell += f" ({statistics.median(v / p for v, p in zip(values, columns['CPython'])):.2f} x)"
            cells.append(cell)
        print(f"| {row} | " + " | ".join(cells) + " |")


parser = argparse.ArgumentParser()
parser.add_argument("mode", choices=["measure", "table"])
parser.add_argument("loop", nargs="?")
parser.add_argument("--java", default="java")
parser.add_argument("--jar", default="benchmarks/target/benchmarks.jar")
parser.add_argument("--rounds", type=int, default=5)
options = parser.parse_args()
if options.mode == "table":
    table(options)
else:
    if options.loop == "uvloop":
        import uvloop

        uvloop.install()
    asyncio.run(measure())
