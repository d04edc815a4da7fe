# Who runs when queue, event, spawn, sleep(0) and links mix.
import gevent
from gevent.queue import Queue
from gevent.event import Event, AsyncResult
log = []
def w(name, fn):
    def run():
        fn(); log.append(name)
    return gevent.spawn(run)
q = Queue(); e = Event(); r = AsyncResult()
w('g1', q.get); w('g2', q.get); w('e1', e.wait); w('e2', e.wait); w('r1', r.get)
gevent.sleep(0)
q.put(1); gevent.spawn(log.append, 's1'); e.set(); gevent.spawn(log.append, 's2'); q.put(2); r.set(3); gevent.spawn(log.append, 's3')
gevent.sleep(0); print(' '.join(log)); log.clear()
def chain(n):
    log.append('c%d' % n)
    if n: g = gevent.spawn(chain, n - 1); g.link(lambda g: log.append('l%d' % n))
    gevent.sleep(0); log.append('d%d' % n)
g = gevent.spawn(chain, 2); g.rawlink(lambda g: log.append('raw')); g.link(lambda g: log.append('link')); g.join(); log.append('joined'); gevent.wait(); print(' '.join(log))
