# Semaphores, RLocks and events under several users.
import gevent
from gevent.lock import Semaphore, BoundedSemaphore, RLock
from gevent.event import Event, AsyncResult
log = []
s = Semaphore(1)
def user(n):
    for i in range(2):
        with s: log.append('%s%d in' % (n, i)); gevent.sleep(0)
        log.append('%s%d out' % (n, i))
gevent.joinall([gevent.spawn(user, n) for n in 'abc']); print(log); log.clear()
s = Semaphore(0)
def acq(n): log.append((n, s.acquire()))
def wai(n): log.append((n, s.wait()))
gs = [gevent.spawn(acq, 1), gevent.spawn(acq, 2), gevent.spawn(wai, 3), gevent.spawn(acq, 4)]; gevent.sleep(0)
s.release(); gevent.spawn(log.append, 'x'); s.release(); gevent.sleep(0); log.append('|'); s.release(); gevent.sleep(0); s.release(); gevent.joinall(gs); print(log, s.counter); log.clear()
r = RLock()
def nested(n):
    with r:
        log.append(n + '1'); gevent.sleep(0)
        with r: log.append(n + '2'); gevent.sleep(0)
    log.append(n + '3')
gevent.joinall([gevent.spawn(nested, n) for n in 'ab']); print(log); log.clear()
e = Event()
def ev(n): log.append((n, e.wait())); e.clear()
gs = [gevent.spawn(ev, i) for i in range(2)]; gevent.sleep(0); e.set(); late = gevent.spawn(ev, 'late'); gevent.sleep(0); log.append(e.is_set()); print(log, late.ready()); e.set(); late.join(); log.clear()
a = AsyncResult(); gs = [gevent.spawn(lambda i=i: log.append((i, a.get()))) for i in range(2)]; gevent.sleep(0); a.set('v'); gevent.spawn(log.append, 'x'); gs.append(gevent.spawn(lambda: log.append(('n', a.get())))); log.append(a.get()); gevent.joinall(gs); print(log)
