# Tasks that all want a lock all the time, and give way once while they have it.
import asyncio
import time


async def workload(rounds, count):
    lock = asyncio.Lock()
    turns = 0

    async def task():
        nonlocal turns
        for _ in range(rounds):
            await lock.acquire()
            turns += 1
            await asyncio.sleep(0)
            lock.release()

    start = time.perf_counter_ns()
    await asyncio.gather(*[task() for _ in range(count)])
    return turns, time.perf_counter_ns() - start
