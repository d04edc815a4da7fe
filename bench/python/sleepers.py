# Many tasks sleep for 10 ms each.
import asyncio
import time


async def workload(rounds, count):
    ops = 0
    start = time.perf_counter_ns()
    for _ in range(rounds):
        results = await asyncio.gather(*[asyncio.sleep(0.010) for _ in range(count)])
        ops += len(results)
    return ops, time.perf_counter_ns() - start
