# What a kill comes before and after.
import gevent
from gevent.event import Event
from gevent.queue import Queue
log = []
def body(name, *waits):
    try:
        for f in waits:
            log.append((name, f()))
    except gevent.GreenletExit: log.append((name, 'exit'))
    finally:
        gevent.spawn(log.append, name + ' child'); log.append(name + ' end')
e = Event(); q = Queue()
a = gevent.spawn(body, 'a', e.wait, lambda: gevent.sleep(1)); b = gevent.spawn(body, 'b', q.get, lambda: gevent.sleep(1)); c = gevent.spawn(body, 'c', lambda: gevent.sleep(0), lambda: gevent.sleep(1))
gevent.sleep(0); gevent.spawn(log.append, 'other')
e.set(); a.kill(); log.append('killed a'); q.put(1); b.kill(block=False); log.append('kill b asked'); c.kill(); log.append('killed c'); gevent.sleep(0)
for l in log: print(l)
log.clear()
gs = [gevent.spawn(body, 'k%d' % i, lambda: gevent.sleep(1)) for i in range(3)]; gevent.sleep(0); gs.append(gevent.spawn(body, 'never')); gevent.killall(gs[1:] + gs[:1]); log.append('all'); gevent.sleep(0); print(log)
log.clear()
def stubborn():
    try: gevent.sleep(1)
    except gevent.GreenletExit: log.append('cleaning'); gevent.sleep(0.01); log.append('clean')
g = gevent.spawn(stubborn); h = gevent.spawn(lambda: (g.join(), log.append('joined'))); gevent.sleep(0); k = gevent.spawn(lambda: (g.kill(), log.append('killer'))); gevent.sleep(0); h.kill(); log.append('killed joiner'); k.join(); print(log)
