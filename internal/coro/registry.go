package coro

import (
	"sync"
	"sync/atomic"
)

// routines finds the Routine of a goroutine by the goroutine's id.
var routines registry

// A registry is a hash table that is read without a lock. It can be that simple because
// a goroutine looks up nothing but its own id: the entry it looks for was written by
// itself or does not exist, and what others write meanwhile it may see or not.
//
// It holds one pointer for each goroutine, in open addressing, at most three quarters full.
type registry struct {
	table atomic.Pointer[table]

	mu   sync.Mutex // held by writers
	live int        // entries in use
	used int        // entries in use or vacated
}

type table []atomic.Pointer[Routine]

// vacated marks an entry whose Routine was removed: probing goes on behind it.
var vacated = new(Routine)

const minTable = 64

// join makes the calling goroutine known as r's.
func (r *Routine) join() {
	routines.add(r)
	if marks {
		mark(true)
	}
}

// part ends what join began. A goroutine may be known as another Routine's still.
func (r *Routine) part() {
	routines.remove(r)
	if marks {
		mark(Current() != nil)
	}
}

// start is where the probing for an id begins. The multiplier is 2^64 divided by
// the golden ratio: ids are dense, and a shift would cluster the ids of one burst.
func (t table) start(gid int64) int {
	return int(uint64(gid) * 0x9e3779b97f4a7c15 >> 32 & uint64(len(t)-1))
}

func (g *registry) find(gid int64) *Routine {
	p := g.table.Load()
	if p == nil {
		return nil
	}
	t := *p
	for i := t.start(gid); ; i = (i + 1) & (len(t) - 1) {
		switch r := t[i].Load(); {
		case r == nil:
			return nil
		case r != vacated && r.gid == gid:
			return r
		}
	}
}

func (g *registry) add(r *Routine) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if p := g.table.Load(); p == nil || 4*(g.used+1) > 3*len(*p) {
		g.rebuild()
	}
	g.table.Load().insert(r)
	g.live++
	g.used++
}

func (t *table) insert(r *Routine) {
	i := t.start(r.gid)
	for (*t)[i].Load() != nil {
		i = (i + 1) & (len(*t) - 1)
	}
	(*t)[i].Store(r)
}

func (g *registry) remove(r *Routine) {
	g.mu.Lock()
	defer g.mu.Unlock()
	t := *g.table.Load()
	for i := t.start(r.gid); ; i = (i + 1) & (len(t) - 1) {
		x := t[i].Load()
		if x == nil {
			panic("coro: a routine left that was not there")
		}
		if x == r {
			t[i].Store(vacated)
			break
		}
	}
	g.live--
	if len(t) > minTable && g.live < len(t)/16 {
		g.rebuild()
	}
}

// each calls fn with all that are in the table.
func (g *registry) each(fn func(*Routine)) {
	g.mu.Lock()
	defer g.mu.Unlock()
	p := g.table.Load()
	if p == nil {
		return
	}
	for i := range *p {
		if r := (*p)[i].Load(); r != nil && r != vacated {
			fn(r)
		}
	}
}

// rebuild makes a fresh table, at most half full.
func (g *registry) rebuild() {
	n := minTable
	for n < 2*g.live {
		n *= 2
	}
	t := make(table, n)
	if old := g.table.Load(); old != nil {
		for i := range *old {
			if r := (*old)[i].Load(); r != nil && r != vacated {
				t.insert(r)
			}
		}
	}
	g.used = g.live
	g.table.Store(&t)
}
