# One task puts numbers into a queue with 128 slots, another takes them out.
import asyncio
import time


async def workload(items):
    queue = asyncio.Queue(128)

    async def produce():
        for i in range(items):
            await queue.put(i)

    start = time.perf_counter_ns()
    producer = asyncio.create_task(produce())
    taken = 0
    for _ in range(items):
        await queue.get()
        taken += 1
    end = time.perf_counter_ns()
    await producer
    return taken, end - start
