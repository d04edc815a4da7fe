# Two tasks hand a number back and forth, each time through a new future.
import asyncio
import time


async def workload(trips):
    loop = asyncio.get_running_loop()
    there = loop.create_future()
    back = None

    async def echo():
        nonlocal there
        for _ in range(trips):
            value = await there
            there = loop.create_future()
            back.set_result(value + 1)

    other = asyncio.create_task(echo())
    hand_offs = 0
    start = time.perf_counter_ns()
    for _ in range(trips):
        back = loop.create_future()
        there.set_result(hand_offs + 1)
        hand_offs = await back
    end = time.perf_counter_ns()
    await other
    return hand_offs, end - start
