# Spawn greenlets that do nothing, and join them all.
import time

import gevent


def nothing():
    pass


def workload(rounds, count):
    ops = 0
    start = time.perf_counter_ns()
    for _ in range(rounds):
        ended = gevent.joinall([gevent.spawn(nothing) for _ in range(count)])
        ops += len(ended)
    return ops, time.perf_counter_ns() - start
