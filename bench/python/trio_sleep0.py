# Tasks give way to each other with sleep(0); only the switches are timed.
import time

import trio


async def workload(rounds, count):
    want = rounds * count
    switches = 0
    start = end = 0

    async def task(first):
        nonlocal switches, start, end
        await trio.sleep(0)
        if first:
            start = time.perf_counter_ns()
        for _ in range(rounds):
            await trio.sleep(0)
            switches += 1
            if switches == want:
                end = time.perf_counter_ns()

    async with trio.open_nursery() as nursery:
        for i in range(count):
            nursery.start_soon(task, i == 0)
    return switches, end - start
