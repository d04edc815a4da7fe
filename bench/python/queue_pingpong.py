# Two tasks hand a number back and forth through two queues of one slot.
import asyncio
import time


async def workload(trips):
    there = asyncio.Queue(1)
    back = asyncio.Queue(1)

    async def echo():
        for _ in range(trips):
            await back.put(await there.get() + 1)

    other = asyncio.create_task(echo())
    hand_offs = 0
    start = time.perf_counter_ns()
    for _ in range(trips):
        await there.put(hand_offs + 1)
        hand_offs = await back.get()
    end = time.perf_counter_ns()
    await other
    return hand_offs, end - start
