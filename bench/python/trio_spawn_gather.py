# Start no-op tasks in a nursery, which waits for them, batch after batch.
import time

import trio


async def nothing():
    pass


async def workload(batches, batch):
    ops = 0
    start = time.perf_counter_ns()
    for _ in range(batches):
        async with trio.open_nursery() as nursery:
            for _ in range(batch):
                nursery.start_soon(nothing)
                ops += 1
    return ops, time.perf_counter_ns() - start
