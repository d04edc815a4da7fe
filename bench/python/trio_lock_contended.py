# Tasks that all want a lock all the time, and give way once while they have it.
import time

import trio


async def workload(rounds, count):
    lock = trio.Lock()
    turns = 0

    async def task():
        nonlocal turns
        for _ in range(rounds):
            await lock.acquire()
            turns += 1
            await trio.sleep(0)
            lock.release()

    start = time.perf_counter_ns()
    async with trio.open_nursery() as nursery:
        for _ in range(count):
            nursery.start_soon(task)
    return turns, time.perf_counter_ns() - start
