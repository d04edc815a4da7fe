# Switch from the root to a greenlet and back.
import time

from greenlet import getcurrent, greenlet


def workload(trips):
    root = getcurrent()
    seen = 0

    def child():
        nonlocal seen
        while True:
            root.switch()
            seen += 1

    g = greenlet(child)
    g.switch()
    start = time.perf_counter_ns()
    for _ in range(trips):
        g.switch()
    elapsed = time.perf_counter_ns() - start
    return seen, elapsed
