# Many tasks sleep for 10 ms each.
import time

import trio


async def workload(rounds, count):
    ops = 0
    start = time.perf_counter_ns()
    for _ in range(rounds):
        async with trio.open_nursery() as nursery:
            for _ in range(count):
                nursery.start_soon(trio.sleep, 0.010)
                ops += 1
    return ops, time.perf_counter_ns() - start
