# Several getters and putters, limits, peeks and killed waiters.
import gevent
from gevent.queue import Queue, JoinableQueue, Channel, PriorityQueue
log = []
q = Queue(1)
def put(n): q.put(n); log.append('put %s' % n)
def get(n): log.append('%s got %s' % (n, q.get()))
ps = [gevent.spawn(put, i) for i in range(4)]; gevent.sleep(0); gs = [gevent.spawn(get, c) for c in 'ab']; gevent.sleep(0); log.append('|'); gevent.sleep(0); log.append(q.qsize()); ps[3].kill(); get('m'); log.append(q.qsize()); print(log); log.clear()
q = Queue(); ks = [gevent.spawn(get, c) for c in 'abc']; gevent.sleep(0); ks[0].kill(block=False); q.put(1); q.put(2); gevent.spawn(log.append, 'x'); q.put(3); gevent.sleep(0); log.append(q.qsize()); print(log); log.clear()
q = Queue(); pk = [gevent.spawn(lambda: log.append(('peek', q.peek()))) for _ in 'ab']; g = gevent.spawn(get, 'g'); gevent.sleep(0); q.put(7); gevent.sleep(0); print(log, q.qsize()); log.clear()
j = JoinableQueue()
def worker():
    while True:
        n = j.get(); gevent.sleep(0); log.append(n); j.task_done()
w = gevent.spawn(worker)
for i in range(3): j.put(i)
j.join(); log.append('joined'); j.put(9); print(log, j.unfinished_tasks, j.join(timeout=1)); w.kill(); log.clear()
c = Channel()
def cput(n): c.put(n); log.append('put %s' % n)
def cget(n): log.append('%s got %s' % (n, c.get()))
gs = [gevent.spawn(cput, 1), gevent.spawn(cget, 'a'), gevent.spawn(cput, 2), gevent.spawn(log.append, 'x'), gevent.spawn(cget, 'b')]; gevent.joinall(gs); print(log, c.balance); log.clear()
pq = PriorityQueue(items=[3, 1, 2]); print([pq.get() for _ in range(3)])
