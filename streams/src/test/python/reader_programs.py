"""Runs the programs that asyncio.streams.ReaderPrograms (src/test/java) prints, and writes a line for each: its seed and the
CRC of what CPython's StreamReader did.

    mvn -q test-compile -pl bridge,streams
    java -cp streams/target/test-classes:streams/target/classes:... asyncio.streams.ReaderPrograms 2000 > programs.txt
    python3.13 streams/src/test/python/reader_programs.py programs.txt > streams/src/test/resources/asyncio/streams/reader-programs.txt

With -v it writes what was done instead of the CRC.
"""
import asyncio
import sys
import zlib


class Transport:
    def pause_reading(self):
        pass

    def resume_reading(self):
        pass


def read(reader, kind, argument):
    match kind:
        case "l":
            return reader.readline()
        case "r":
            return reader.read(int(argument))
        case "n":
            return reader.readexactly(int(argument))
        case "a":
            return reader.read(-1)
        case "u":
            return reader.readuntil(tuple(map(bytes.fromhex, argument.split("|"))))


async def run(steps):
    reader = asyncio.StreamReader(limit=int(steps[0]))
    reader.set_transport(Transport())
    waiting = None
    line = ended = False
    log = []
    for step in steps[1:]:
        kind, argument = step[0], step[1:]
        if kind == "f":
            if not ended:
                reader.feed_data(bytes.fromhex(argument))
        elif kind == "e":
            ended = True
            reader.feed_eof()
        elif kind == "x":
            reader.set_exception(OSError("x"))
        elif kind == "c":
            if waiting:
                waiting.cancel()
        elif not waiting:
            line = kind == "l"
            waiting = asyncio.create_task(read(reader, kind, argument))
        for _ in range(4):
            await asyncio.sleep(0)
        if waiting and waiting.done():
            log.append(outcome(waiting, line) + ";")
            waiting = None
    return "".join(log)


def outcome(task, line):
    try:
        return "=" + task.result().hex()
    except asyncio.IncompleteReadError as e:
        return f"I{e.partial.hex()},{-1 if e.expected is None else e.expected}"
    except asyncio.LimitOverrunError as e:
        return f"L{e.consumed}"
    except ValueError:
        assert line
        return "V"
    except OSError:
        return "X"
    except asyncio.CancelledError:
        return "C"


for program in open(sys.argv[1]):
    seed, *steps = program.split()
    done = asyncio.run(run(steps))
    print(seed, done if sys.argv[2:] == ["-v"] else "%08x" % zlib.crc32(done.encode()))
