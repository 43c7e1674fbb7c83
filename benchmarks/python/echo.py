"""The echo servers of asyncio.benchmarks.EchoServer on CPython's streams.

usage: echo.py line|bulk PORT [uvloop]
"""

import asyncio
import sys


async def line(reader, writer):
    try:
        while data := await reader.readline():
            writer.write(data)
            await writer.drain()
    except ConnectionError:
        pass
    writer.close()


async def bulk(reader, writer):
    while data := await reader.read(65536):
        writer.write(data)
        await writer.drain()
    writer.close()


async def main():
    handler = line if sys.argv[1] == "line" else bulk
    async with await asyncio.start_server(handler, "127.0.0.1", int(sys.argv[2])) as server:
        await server.serve_forever()


if "uvloop" in sys.argv:
    import uvloop

    uvloop.install()
asyncio.run(main())
