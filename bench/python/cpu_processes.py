# Compute in processes: batches of loops, so many of them in a message.
import multiprocessing
import time
from concurrent.futures import ProcessPoolExecutor


def add(n):
    total = 1
    for i in range(n):
        total += i
    return total


async def workload(batches, loops, chunk, size):
    # Forked, because the script is in no file that another process could import.
    with ProcessPoolExecutor(mp_context=multiprocessing.get_context("fork")) as pool:
        list(pool.map(add, [1] * 12))  # starts the processes
        start = time.perf_counter_ns()
        for _ in range(batches):
            list(pool.map(add, [size] * loops, chunksize=chunk))
        return batches * loops, time.perf_counter_ns() - start
