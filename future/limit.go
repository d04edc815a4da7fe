package future

import (
	"fmt"

	"github.com/asyncgo/asyncgo/internal/promise"
)

// Limit returns a view of the pool that uses at most n of its workers at once, for work that must not
// take all of them: queries of a database that allows eight connections, requests to one host. A view
// is a Pool with a queue and Stats of its own and the workers of p.
//
// A view takes its turn among the other work of the pool job by job, so that neither starves the
// other, and runs its own jobs in the order of their submission. It need not be shut down; that of the
// pool ends it. Its own Shutdown waits for its own work and leaves the workers alone. Limit panics if n
// is not positive; an n above the number of workers does not add any.
func (p *Pool) Limit(name string, n int) *Pool {
	p.check("Limit")
	if n <= 0 {
		panic(fmt.Sprintf("future: a view of a pool with %d workers", n))
	}
	v := &Pool{name: name, workers: n, parent: p}
	v.complete()
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.views == nil {
		p.views = make(map[*Pool]struct{})
	}
	p.views[v] = struct{}{}
	return v
}

// forget takes a view off the books.
func (p *Pool) forget(v *Pool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.views, v)
}

// A turn is the job that a view has in the queue of its pool: to run the first of the view's own.
type turn struct{ v *Pool }

func isTurn(j promise.Job) bool {
	_, ok := j.(turn)
	return ok
}

// enqueueView is enqueue for a view, which is locked. Views are locked before their pools.
func (p *Pool) enqueueView(j promise.Job, more bool) error {
	if p.active < p.workers {
		if err := p.parent.enqueue(turn{p}, more); err != nil {
			return err
		}
		p.active++
	} else if !more && p.parent.isShut() {
		return ErrShutdown
	}
	p.push(j)
	return nil
}

// isShut reports whether the pool takes no more work.
func (p *Pool) isShut() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.shut || p.parent != nil && p.parent.isShut()
}

// RunJob implements promise.Job: it runs the first of the view's jobs, and queues again if there are more.
func (t turn) RunJob() bool {
	v := t.v
	v.mu.Lock()
	if v.queue.len() == 0 { // they were cancelled
		v.endTurn()
		v.mu.Unlock()
		return false
	}
	j := v.pop()
	v.running++
	v.mu.Unlock()
	ran := true // also if it is left by runtime.Goexit
	defer func() {
		v.mu.Lock()
		defer v.mu.Unlock()
		v.running--
		if ran {
			v.done++
		}
		v.endTurn()
	}()
	ran = j.RunJob()
	return ran
}

// DropJob implements promise.Job. Turns are never dropped; see CancelPending.
func (t turn) DropJob() {}

// endTurn ends a turn, and takes the next if there is something to do. The view is locked.
func (p *Pool) endTurn() {
	if p.queue.len() == 0 || p.parent.enqueue(turn{p}, true) != nil {
		p.active--
		p.signal()
	}
}
