# Start one task in a nursery, which waits for it, and again. A task of trio has
# no result; it leaves it in a list.
import time

import trio


async def one(results):
    results.append(1)


async def workload(count):
    results = []
    start = time.perf_counter_ns()
    for _ in range(count):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(one, results)
    return sum(results), time.perf_counter_ns() - start
