# Take and release a lock that nobody else wants.
import time

import trio


async def workload(count):
    lock = trio.Lock()
    turns = 0
    start = time.perf_counter_ns()
    for _ in range(count):
        await lock.acquire()
        turns += 1
        lock.release()
    return turns, time.perf_counter_ns() - start
