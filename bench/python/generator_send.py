# Send numbers to a generator, which yields each of them and one more.
import time


def generator():
    v = 0
    while True:
        v = yield v + 1


def workload(values):
    gen = generator()
    v = next(gen)
    start = time.perf_counter_ns()
    for _ in range(values):
        v = gen.send(v)
    elapsed = time.perf_counter_ns() - start
    gen.close()
    return v - 1, elapsed
