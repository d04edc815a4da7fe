# Create one task, await its result, and again.
import asyncio
import time


async def one():
    return 1


async def workload(count):
    total = 0
    start = time.perf_counter_ns()
    for _ in range(count):
        total += await asyncio.create_task(one())
    return total, time.perf_counter_ns() - start
