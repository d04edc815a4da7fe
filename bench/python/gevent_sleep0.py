# Greenlets give way to each other with sleep(0); only the switches are timed.
import time

import gevent


def workload(rounds, count):
    want = rounds * count
    switches = 0
    start = end = 0

    def run(first):
        nonlocal switches, start, end
        gevent.sleep(0)
        if first:
            start = time.perf_counter_ns()
        for _ in range(rounds):
            gevent.sleep(0)
            switches += 1
            if switches == want:
                end = time.perf_counter_ns()

    gevent.joinall([gevent.spawn(run, i == 0) for i in range(count)], raise_error=True)
    return switches, end - start
