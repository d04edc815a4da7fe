# Send one function after the other to a thread and wait for its result.
import time

import trio


def one():
    return 1


async def workload(count):
    total = 0
    start = time.perf_counter_ns()
    for _ in range(count):
        total += await trio.to_thread.run_sync(one)
    return total, time.perf_counter_ns() - start
