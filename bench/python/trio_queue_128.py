# One task puts numbers into a channel with 128 slots, another takes them out.
import time

import trio


async def workload(items):
    put, get = trio.open_memory_channel(128)

    async def produce():
        for i in range(items):
            await put.send(i)

    taken = 0
    async with trio.open_nursery() as nursery:
        start = time.perf_counter_ns()
        nursery.start_soon(produce)
        for _ in range(items):
            await get.receive()
            taken += 1
        end = time.perf_counter_ns()
    return taken, end - start
