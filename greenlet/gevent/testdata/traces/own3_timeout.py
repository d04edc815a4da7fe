# Timeouts that meet events, nested ones, and cleanup.
import gevent
from gevent.event import Event
from gevent.queue import Queue, Empty
log = []
def limited(name, s, f):
    t = gevent.Timeout(s)
    t.start()
    try: log.append((name, f()))
    except gevent.Timeout as x: log.append((name, 'mine' if x is t else 'other'))
    finally: t.close()
e = Event(); q = Queue()
gs = [gevent.spawn(limited, 'a', 0.05, e.wait), gevent.spawn(limited, 'b', 0.5, e.wait), gevent.spawn(limited, 'c', 0.05, lambda: gevent.sleep(0.01) or 'slept')]
gevent.spawn_later(0.2, e.set); gevent.joinall(gs); print(log); log.clear()
with gevent.Timeout(0.02, False):
    try:
        with gevent.Timeout(1): q.get()
    finally: log.append('inner left')
    log.append('not reached')
print(log); log.clear()
try: q.get(timeout=0.01)
except Empty: log.append('Empty')
with gevent.Timeout(0.01, False): q.get(timeout=1)
q.put('x'); log.append(q.get(timeout=1)); print(log); log.clear()
def slow():
    try: gevent.sleep(1)
    finally: log.append('cleanup'); gevent.sleep(0.01); log.append('cleaned')
try: gevent.with_timeout(0.01, slow)
except gevent.Timeout as t: log.append(str(t))
log.append(gevent.with_timeout(0.01, gevent.sleep, 1, timeout_value='default')); print(log); log.clear()
t1 = gevent.Timeout.start_new(0.03); t2 = gevent.Timeout.start_new(0.01)
for _ in range(2):
    try: gevent.sleep(1)
    except gevent.Timeout as t: log.append('t1' if t is t1 else 't2')
print(log, t1.pending, t2.pending)
