package gevent

import (
	"context"
	"iter"
	"sync"
	"time"

	"github.com/asyncgo/asyncgo/future"
	"github.com/asyncgo/asyncgo/internal/loop"
)

// A ThreadPool runs functions on other goroutines, at the same time as the greenlets: gevent.threadpool.ThreadPool.
// It is for what blocks or computes for long. It must be ended by [ThreadPool.Kill] or [ThreadPool.Close].
type ThreadPool struct {
	pool *future.Pool
	size int

	mu    sync.Mutex
	left  int // functions that have not ended
	empty *loop.Completion
}

// NewThreadPool makes a pool of at most n goroutines; with 0 it is as many as [future.NewPool] takes. It panics if n
// is negative.
func NewThreadPool(n int) *ThreadPool {
	if n < 0 {
		panic("gevent: NewThreadPool was called with a negative size")
	}
	return &ThreadPool{pool: future.NewPool(n, future.PoolName("gevent")), size: n}
}

// SpawnThread has fn run by the pool and returns its outcome to come: spawn. It never waits; what finds no free
// goroutine is queued. A panic is a [PanicError]. As long as fn has not ended, no hub takes a wait for a deadlock, and
// [WaitAll] of the calling goroutine waits for it.
func SpawnThread[T any](p *ThreadPool, fn func() (T, error)) *AsyncResult[T] {
	if fn == nil {
		panic("gevent: SpawnThread was called with a nil function")
	}
	r := new(AsyncResult[T])
	j := startJob(&r.done)
	p.count(1)
	f := future.Submit(p.pool, fn)
	f.AddDoneCallback(func(f *future.Future[T]) {
		v, err := f.Result()
		j.end(func() {
			r.put(v, err)
			p.count(-1)
		})
	})
	return r
}

// ApplyThread has fn run by the pool and waits for its outcome: apply.
func ApplyThread[T any](p *ThreadPool, fn func() (T, error)) (T, error) {
	return SpawnThread(p, fn).Get()
}

// MapThread calls fn for every item on the goroutines of the pool, and returns the results in the order of the
// items, or the first error in that order: map.
func MapThread[A, T any](p *ThreadPool, items iter.Seq[A], fn func(A) (T, error)) ([]T, error) {
	var all []*AsyncResult[T]
	defer keepHub()() // one hub for all waits
	for x := range items {
		all = append(all, SpawnThread(p, func() (T, error) { return fn(x) }))
	}
	results := make([]T, 0, len(all))
	for _, r := range all {
		v, err := r.Get()
		if err != nil {
			return nil, err
		}
		results = append(results, v)
	}
	return results, nil
}

// IMapThread is [IMap] on the goroutines of the pool: imap. All calls are handed to the pool at once.
func IMapThread[A, T any](p *ThreadPool, items iter.Seq[A], fn func(A) (T, error)) iter.Seq2[T, error] {
	return imapThread(p, items, fn, true)
}

// IMapUnorderedThread is [IMapUnordered] on the goroutines of the pool: imap_unordered.
func IMapUnorderedThread[A, T any](p *ThreadPool, items iter.Seq[A], fn func(A) (T, error)) iter.Seq2[T, error] {
	return imapThread(p, items, fn, false)
}

func imapThread[A, T any](p *ThreadPool, items iter.Seq[A], fn func(A) (T, error), ordered bool) iter.Seq2[T, error] {
	if fn == nil {
		panic("gevent: IMapThread was called with a nil function")
	}
	return func(yield func(T, error) bool) {
		defer keepHub()()
		var all []*AsyncResult[T]
		for x := range items {
			all = append(all, SpawnThread(p, func() (T, error) { return fn(x) }))
		}
		if ordered {
			for _, r := range all {
				if !yield(r.Get()) {
					return
				}
			}
			return
		}
		err := collect(all).each(nil, len(all), func(i int) bool { return yield(all[i].Get()) })
		if err != nil {
			yield(*new(T), err)
		}
	}
}

// ApplyThreadAsync is [SpawnThread], and has callback called with the value, if there is one, in a greenlet: apply_async.
func ApplyThreadAsync[T any](p *ThreadPool, fn func() (T, error), callback func(T)) *AsyncResult[T] {
	r := SpawnThread(p, fn)
	if callback != nil {
		l := homeLoop()
		r.RawLink(func(r *AsyncResult[T]) {
			if r.Successful() {
				inGreenlet(l, func() { callback(r.Value()) })
			}
		})
	}
	return r
}

// Size returns how many goroutines the pool has at most: maxsize.
func (p *ThreadPool) Size() int { return p.size }

// Join waits until all functions have run that were handed to the pool, and reports true, or false when the limit is over:
// join().
func (p *ThreadPool) Join(limit ...time.Duration) (bool, error) {
	p.mu.Lock()
	if p.left == 0 {
		p.mu.Unlock()
		return true, nil
	}
	if p.empty == nil {
		p.empty = new(loop.Completion)
	}
	c := p.empty
	p.mu.Unlock()
	return join(limit, c, waitsFor("a ThreadPool"))
}

// count notes that a function has come or gone.
func (p *ThreadPool) count(by int) {
	p.mu.Lock()
	var c *loop.Completion
	if p.left += by; p.left == 0 {
		c, p.empty = p.empty, nil
	}
	p.mu.Unlock()
	commit(c)
}

// Len returns how many functions run or are queued.
func (p *ThreadPool) Len() int {
	s := p.pool.Stats()
	return s.Running + s.Queued
}

// Close waits until all functions have run, and ends the pool: join and kill.
func (p *ThreadPool) Close() error {
	_, err := offload(func() (Void, error) { return Void{}, p.pool.Shutdown(context.Background()) }, nil)
	return err
}

// Kill drops what has not begun, waits for the rest, and ends the pool: kill.
func (p *ThreadPool) Kill() error {
	p.pool.CancelPending()
	return p.Close()
}

// offload calls fn on another goroutine and waits for it. If something is thrown at the caller meanwhile, it calls
// interrupt, which has to make fn return, and waits for that.
func offload[T any](fn func() (T, error), interrupt func()) (v T, err error) {
	c, wrong := me()
	if wrong != nil {
		return v, wrong
	}
	var done loop.Completion
	l := c.l
	l.External(1)
	go func() {
		defer backIn(l, func() {
			if done.Begin() {
				done.Commit(loop.Succeeded)
			}
		})
		v, err = fn()
	}()
	thrown := c.wait(func(ctx context.Context) error {
		_, err := done.Wait(ctx, refuser{waitsFor("another goroutine")})
		if err == nil {
			return nil
		}
		if interrupt != nil {
			interrupt()
		}
		if _, again := done.Wait(context.WithoutCancel(ctx), refuser{waitsFor("another goroutine")}); again != nil {
			return again
		}
		return err
	})
	if thrown != nil {
		return v, thrown
	}
	return v, err
}

// backIn ends work that External has counted by calling fn in the loop, so that the loop sees both at once.
func backIn(l *loop.Loop, fn func()) {
	if !l.Do(func() {
		l.External(-1)
		fn()
	}) {
		fn() // the hub is closed
	}
}
