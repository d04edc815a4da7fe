# Switch from one greenlet to its sibling and back.
import time

from greenlet import greenlet


def workload(trips):
    seen = elapsed = 0

    def second():
        nonlocal seen
        while True:
            one.switch()
            seen += 1

    def first():
        nonlocal elapsed
        two.switch()
        start = time.perf_counter_ns()
        for _ in range(trips):
            two.switch()
        elapsed = time.perf_counter_ns() - start

    one, two = greenlet(first), greenlet(second)
    one.switch()
    return seen, elapsed
