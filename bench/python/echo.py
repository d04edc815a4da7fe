"""An echo server on asyncio streams, or on uvloop with that as its argument. It prints its address."""
import asyncio
import sys


async def handle(r, w):
    while True:
        data = await r.read(4096)
        if not data:
            break
        w.write(data)
        await w.drain()
    w.close()


async def main():
    server = await asyncio.start_server(handle, "127.0.0.1", 0)
    print("%s:%d" % server.sockets[0].getsockname(), flush=True)
    await server.serve_forever()


if sys.argv[1:] == ["uvloop"]:
    import uvloop

    uvloop.install()
asyncio.run(main())
