# Send one function after the other to a thread and wait for its result.
import asyncio
import time


def one():
    return 1


async def workload(count):
    total = 0
    start = time.perf_counter_ns()
    for _ in range(count):
        total += await asyncio.to_thread(one)
    return total, time.perf_counter_ns() - start
