# A pool under feeding, errors, kills and callbacks.
import gevent
from gevent.pool import Pool, Group
gevent.get_hub().exception_stream = None
log = []
def work(n):
    log.append('+%d' % n); gevent.sleep(0); log.append('-%d' % n)
    if n == 3: raise ValueError('three')
    return n * n
p = Pool(2)
for i in range(5): p.spawn(work, i); log.append('s%d' % i)
log.append(p.join()); print(' '.join(map(str, log))); log.clear()
for r in p.imap_unordered(lambda n: (gevent.sleep(0.01 * (3 - n)), n)[1], range(3)): log.append(r)
for r in p.imap(lambda n: n + 1, range(4), maxsize=1): log.append(r)
print(log); log.clear()
p.apply_async(work, (2,), callback=lambda v: log.append('cb %d' % v)); log.append('asked'); p.join(); gevent.sleep(0); print(log); log.clear()
print(p.apply(work, (4,)), p.map_async(work, [1, 2], callback=lambda v: log.append(v)).get()); gevent.sleep(0); print(log); log.clear()
g = Group()
gs = [g.spawn(work, i) for i in (1, 3, 5)]
try: g.join(raise_error=True)
except ValueError as x: log.append(repr(x))
log.append(len(g)); print(log); log.clear()
p = Pool(1); p.spawn(gevent.sleep, 1); w = gevent.spawn(lambda: (p.spawn(work, 9), log.append('spawned'))); gevent.sleep(0); log.append(p.full()); p.kill(); log.append('killed'); w.join(); p.join(); log.append(p.free_count()); print(log)
