"""The echo servers of asyncio.benchmarks.EchoServer on CPython's streams, and by protocol.

usage: echo.py line|bulk|protocol PORT [uvloop]
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


class Echo(asyncio.Protocol):
    def connection_made(self, transport):
        self.transport = transport

    def data_received(self, data):
        self.transport.write(data)

    def pause_writing(self):
        self.transport.pause_reading()

    def resume_writing(self):
        self.transport.resume_reading()


async def main():
    if sys.argv[1] == "protocol":
        server = await asyncio.get_running_loop().create_server(Echo, "127.0.0.1", int(sys.argv[2]))
        await server.serve_forever()
    handler = line if sys.argv[1] == "line" else bulk
    async with await asyncio.start_server(handler, "127.0.0.1", int(sys.argv[2])) as server:
        await server.serve_forever()


if "uvloop" in sys.argv:
    import uvloop

    uvloop.install()
asyncio.run(main())
