# Tasks give way to each other with sleep(0); only the switches are timed.
import asyncio
import time


async def workload(rounds, count):
    want = rounds * count
    switches = 0
    start = end = 0

    async def task(first):
        nonlocal switches, start, end
        await asyncio.sleep(0)
        if first:
            start = time.perf_counter_ns()
        for _ in range(rounds):
            await asyncio.sleep(0)
            switches += 1
            if switches == want:
                end = time.perf_counter_ns()

    await asyncio.gather(*[task(i == 0) for i in range(count)])
    return switches, end - start
