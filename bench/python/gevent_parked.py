# Park greenlets at an event. Measured is how many bytes the process grows by.
import gc
import os

import gevent
from gevent.event import Event


def resident():
    gc.collect()
    with open("/proc/self/statm") as f:
        return int(f.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def workload(count):
    gate = Event()
    ended = 0

    def park():
        nonlocal ended
        gate.wait()
        ended += 1

    first = gevent.spawn(park)
    gevent.sleep(0)
    before = resident()
    waiting = [gevent.spawn(park) for _ in range(count)]
    gevent.sleep(0)
    grown = resident() - before
    gate.set()
    gevent.joinall(waiting + [first], raise_error=True)
    return ended - 1, grown
