# Compute in threads: batches of loops at once.
import time
from concurrent.futures import ThreadPoolExecutor


def add(n):
    total = 1
    for i in range(n):
        total += i
    return total


async def workload(batches, loops, size):
    with ThreadPoolExecutor() as pool:
        start = time.perf_counter_ns()
        for _ in range(batches):
            list(pool.map(add, [size] * loops))
        return batches * loops, time.perf_counter_ns() - start
