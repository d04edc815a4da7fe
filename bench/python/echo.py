"""An echo server on asyncio streams, or on uvloop with that as its argument. It prints its address, and ends with its stdin."""
import asyncio
import os
import sys
import threading


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


def end_with_stdin():
    sys.stdin.read()
    os._exit(0)


threading.Thread(target=end_with_stdin, daemon=True).start()
if sys.argv[1:] == ["uvloop"]:
    import uvloop

    uvloop.install()
asyncio.run(main())
