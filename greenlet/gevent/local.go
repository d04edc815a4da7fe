package gevent

import (
	"sync"

	"github.com/petermattis/goid"

	"github.com/asyncgo/asyncgo/internal/loop"
)

// identity tells who calls: a greenlet or task, or else a goroutine, which stays the same whether it has a hub
// or not.
type identity struct {
	task *loop.Task
	gid  int64
}

func whoami() identity {
	me := loop.Me()
	if me.Task == nil {
		return identity{gid: me.Goroutine}
	}
	if c := coreOf(me.Task); c != nil && c.main != nil {
		return identity{gid: goid.Get()}
	}
	return identity{task: me.Task}
}

// A Local is a variable of which every greenlet has its own: gevent.local. A greenlet's value is gone when it
// ends, that of a goroutine together with the Local. The zero value starts everywhere with the zero T.
type Local[T any] struct {
	init func() T
	mu   sync.Mutex
	of   map[int64]*T // of goroutines that are no greenlets
}

// NewLocal makes a Local whose value in every greenlet is what init returns there, when it first asks.
func NewLocal[T any](init func() T) *Local[T] { return &Local[T]{init: init} }

// Get returns the value of the calling greenlet.
func (v *Local[T]) Get() T { return *v.place() }

// Set changes the value of the calling greenlet.
func (v *Local[T]) Set(x T) { *v.place() = x }

func (v *Local[T]) place() *T {
	who := whoami()
	if who.task != nil {
		c, err := me()
		if err == nil {
			if c.locals == nil {
				c.locals = map[any]any{}
			}
			if p, ok := c.locals[v].(*T); ok {
				return p
			}
			p := v.fresh()
			c.locals[v] = p
			return p
		}
	}
	v.mu.Lock()
	p := v.of[who.gid]
	v.mu.Unlock()
	if p != nil {
		return p
	}
	p = v.fresh()
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.of == nil {
		v.of = map[int64]*T{}
	}
	v.of[who.gid] = p
	return p
}

func (v *Local[T]) fresh() *T {
	p := new(T)
	if v.init != nil {
		*p = v.init()
	}
	return p
}
