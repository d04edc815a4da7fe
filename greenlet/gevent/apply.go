package gevent

import (
	"iter"

	"github.com/asyncgo/asyncgo/internal/loop"
)

// Apply runs fn in a greenlet of the group and waits for its outcome: apply. In a member of the same group, when
// that is full, it runs fn right here.
func Apply[T any](p *Group, fn func() (T, error)) (T, error) {
	if t := loop.Here(); t != nil && p.Full() {
		for _, g := range p.Members() {
			if g.base().task == t {
				return fn()
			}
		}
	}
	g, err := SpawnIn(p, fn)
	if err != nil {
		return *new(T), err
	}
	return g.Get()
}

// ApplyAsync has fn run in the group, and does not wait, not even for room: apply_async. callback, if it is not nil,
// gets the value if there is one.
func ApplyAsync[T any](p *Group, fn func() (T, error), callback func(T)) *Greenlet[T] {
	if fn == nil {
		panic("gevent: ApplyAsync was called with a nil function")
	}
	var g *Greenlet[T]
	if p.Full() {
		g = Spawn(func() (T, error) { return Apply(p, fn) })
	} else {
		g, _ = SpawnIn(p, fn) // There is room, so it does not wait.
	}
	if callback != nil {
		g.LinkValue(func(g *Greenlet[T]) { callback(g.Value()) })
	}
	return g
}

// Map calls fn for every item, in greenlets of the group, and returns the results in the order of the items, or the
// first error: map. Of items that yield errors, see [IMap], the first one ends it, too.
func Map[A, T any](p *Group, items iter.Seq[A], fn func(A) (T, error)) ([]T, error) {
	var gs []*Greenlet[T]
	for x := range items {
		g, err := SpawnIn(p, func() (T, error) { return fn(x) })
		if err != nil {
			return nil, err
		}
		gs = append(gs, g)
	}
	if _, err := JoinAll(gs, RaiseError()); err != nil {
		return nil, err
	}
	results := make([]T, len(gs))
	for i, g := range gs {
		results[i] = g.Value()
	}
	return results, nil
}

// ApplyCallback is [Apply], and then has callback called with the value in a greenlet of its own: apply_cb.
func ApplyCallback[T any](p *Group, fn func() (T, error), callback func(T)) (T, error) {
	v, err := Apply(p, fn)
	if err == nil && callback != nil {
		Go(func() { callback(v) })
	}
	return v, err
}

// MapCallback is [Map], and then has callback called with the results in a greenlet of its own: map_cb.
func MapCallback[A, T any](p *Group, items iter.Seq[A], fn func(A) (T, error), callback func([]T)) ([]T, error) {
	all, err := Map(p, items, fn)
	if err == nil && callback != nil {
		Go(func() { callback(all) })
	}
	return all, err
}

// MapAsync has [Map] run in a greenlet of its own, which is no member of the group, and does not wait: map_async. callback, if
// it is not nil, gets the results if there is no error.
func MapAsync[A, T any](p *Group, items iter.Seq[A], fn func(A) (T, error), callback func([]T)) *Greenlet[[]T] {
	if fn == nil {
		panic("gevent: MapAsync was called with a nil function")
	}
	g := Spawn(func() ([]T, error) { return Map(p, items, fn) })
	if callback != nil {
		g.LinkValue(func(g *Greenlet[[]T]) { callback(g.Value()) })
	}
	return g
}
