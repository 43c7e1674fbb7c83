"""Starts the echo servers, loads them by turns, and prints a table: processor time of the server, and rate. See ../README.md."""

import argparse
import importlib.util
import os
import pathlib
import re
import socket
import statistics
import subprocess
import sys
import time

LINES = ["netty", "reactor-netty", "linesRetained", "readLineRetained", "lines", "readLine", "bodyLine", "CPython", "uvloop"]
PROTOCOLS = ["protocolRetained", "protocol", "bufferedProtocol", "CPython protocol", "uvloop protocol"]
CHUNKS = ["netty", "reactor-netty", "chunksRetained", "chunks", "CPython", "uvloop"]
BULK_BYTES = 2048 << 20
HERE = pathlib.Path(__file__).parent


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


class Server:
    def __init__(self, options, name, load):
        self.port = free_port()
        self.name = name
        python, _, protocol = name.partition(" ")
        if python in ("CPython", "uvloop"):
            mode = protocol or ("bulk" if load == "bulk" else "line")
            command = [sys.executable, str(HERE / "echo.py"), mode, str(self.port), python]
        else:
            flags = ["-Xmx1g", "-XX:+UseSerialGC", "-XX:+IgnoreUnrecognizedVMOptions", "--enable-native-access=ALL-UNNAMED"]
            command = [options.java, *flags, *options.flag, "-cp", options.jar, "asyncio.benchmarks.EchoServer", name, str(self.port)]
        self.log = open(pathlib.Path(options.load).with_name(f"{name}.log"), "w")  # every load ends with resets
        self.process = subprocess.Popen(command, stdout=self.log, stderr=self.log)
        self.micros = []
        self.rates = []
        for _ in range(600):
            try:
                socket.create_connection(("127.0.0.1", self.port)).close()
                return
            except OSError:
                time.sleep(0.1)
        raise SystemExit(f"{name} does not listen")

    def cpu(self):
        fields = pathlib.Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def measure(self, options, load, attempts=10):
        before = self.cpu()
        if load == "bulk":
            text = run(options, "bulk", self.port, BULK_BYTES)
            rate = float(re.search(r"(\d+) MiB/s", text)[1])
            if f"bulk {BULK_BYTES} bytes" not in text:
                raise SystemExit(f"{self.name}: {text}")
            units = BULK_BYTES / (1 << 20)
        else:
            text = run(options, "echo", self.port, 100, 1024, options.seconds, 0.2, 16 if load == "pipelined" else 1)
            rate = float(re.search(r"(\d+) msg/s", text)[1])
            units = int(re.search(r"tot (\d+)", text)[1])
            if "stall" in text and attempts > 1:  # nothing came for a second: a server that starts, a busy machine
                return self.measure(options, load, attempts - 1)
            if " bad 0 " not in text or "stall" in text:
                raise SystemExit(f"{self.name}: {text}")
        return (self.cpu() - before) * 1e6 / units, rate


def run(options, *words):
    return subprocess.run([options.load, *map(str, words)], check=True, capture_output=True, text=True).stdout


def table(options, load):
    names = (CHUNKS if load == "bulk" else LINES) + PROTOCOLS
    names = [name for name in names if not name.startswith("uvloop") or importlib.util.find_spec("uvloop")]
    if options.only:
        names = [name for name in names if name in options.only.split(",")]
    servers = [Server(options, name, load) for name in names]
    try:
        for server in servers:
            for _ in range(options.warmup):
                server.measure(options, load)
        for _ in range(options.rounds):
            for server in servers:
                micros, rate = server.measure(options, load)
                server.micros.append(micros)
                server.rates.append(rate)
    finally:
        for server in servers:
            server.process.kill()
    reference = next((s for s in servers if s.name == "reactor-netty"), servers[0])
    unit, rate = ("MiB", "MiB/s") if load == "bulk" else ("message", "messages/s")
    print(f"\n{load}\n\n| server | CPU us a {unit} | of {reference.name} | least to most | {rate} |\n|---|---|---|---|---|")
    for s in servers:
        ratio = statistics.median(a / b for a, b in zip(s.micros, reference.micros))
        median = statistics.median(s.micros)
        print(f"| {s.name} | {median:.2f} | {ratio:.2f} | {min(s.micros):.2f} to {max(s.micros):.2f} | {statistics.median(s.rates):,.0f} |", flush=True)


parser = argparse.ArgumentParser()
parser.add_argument("--java", default="java")
parser.add_argument("--jar", default="benchmarks/target/benchmarks.jar")
parser.add_argument("--load", default="benchmarks/target/streams/load")
parser.add_argument("--rounds", type=int, default=5)
parser.add_argument("--warmup", type=int, default=2)
parser.add_argument("--seconds", type=float, default=2)
parser.add_argument("--only", help="servers, separated by commas")
parser.add_argument("--flag", action="append", default=[])
parser.add_argument("loads", nargs="*", default=["line", "pipelined", "bulk"])
options = parser.parse_args()
for load in options.loads:
    table(options, load)
