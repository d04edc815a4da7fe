# Submit tiny jobs to eight threads and wait for all of them.
import time
from concurrent.futures import ThreadPoolExecutor


def job():
    return 1


async def workload(count):
    with ThreadPoolExecutor(8) as pool:
        start = time.perf_counter_ns()
        futures = [pool.submit(job) for _ in range(count)]
        total = sum(f.result() for f in futures)
        return total, time.perf_counter_ns() - start
