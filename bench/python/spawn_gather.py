# Create no-op tasks and gather them, batch after batch.
import asyncio
import time


async def nothing():
    pass


async def workload(batches, batch):
    ops = 0
    start = time.perf_counter_ns()
    for _ in range(batches):
        results = await asyncio.gather(*[nothing() for _ in range(batch)])
        ops += len(results)
    return ops, time.perf_counter_ns() - start
