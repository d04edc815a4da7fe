# Two tasks hand a number back and forth through two channels of one slot.
import time

import trio


async def workload(trips):
    put_there, get_there = trio.open_memory_channel(1)
    put_back, get_back = trio.open_memory_channel(1)

    async def echo():
        for _ in range(trips):
            await put_back.send(await get_there.receive() + 1)

    hand_offs = 0
    async with trio.open_nursery() as nursery:
        nursery.start_soon(echo)
        start = time.perf_counter_ns()
        for _ in range(trips):
            await put_there.send(hand_offs + 1)
            hand_offs = await get_back.receive()
        end = time.perf_counter_ns()
    return hand_offs, end - start
