package gevent

import (
	"errors"
	"iter"
)

// IMap returns an iterator over what fn returns for every item, in the order of the items: imap. The calls run in
// greenlets of the group, as soon as there is room; with ahead > 0 at most so many results wait to be read. An error
// of a call takes its result's place, and the iteration goes on.
func IMap[A, T any](p *Group, items iter.Seq[A], fn func(A) (T, error), ahead ...int) iter.Seq2[T, error] {
	return imap(p, items, fn, true, ahead)
}

// IMapUnordered is [IMap] in the order in which the calls end: imap_unordered.
func IMapUnordered[A, T any](p *Group, items iter.Seq[A], fn func(A) (T, error), ahead ...int) iter.Seq2[T, error] {
	return imap(p, items, fn, false, ahead)
}

func imap[A, T any](p *Group, items iter.Seq[A], fn func(A) (T, error), ordered bool, ahead []int) iter.Seq2[T, error] {
	if fn == nil {
		panic("gevent: IMap was called with a nil function")
	}
	return func(yield func(T, error) bool) {
		var out Queue[*Greenlet[T]]
		var room *Semaphore
		if len(ahead) > 0 && ahead[0] > 0 {
			room = NewSemaphore(ahead[0])
		}
		feeder := Spawn(func() (Void, error) {
			defer out.Put(nil)
			var gs []*Greenlet[T]
			for x := range items {
				if room != nil {
					if _, err := room.Acquire(); err != nil {
						return Void{}, err
					}
				}
				g, err := SpawnIn(p, func() (T, error) { return fn(x) })
				if err != nil {
					return Void{}, err
				}
				if ordered {
					out.Put(g)
				} else {
					g.RawLink(func(g *Greenlet[T]) { out.Put(g) })
					gs = append(gs, g)
				}
			}
			_, err := JoinAll(gs)
			return Void{}, err
		})
		defer feeder.KillNowait()
		for {
			g, err := out.Get()
			if err == nil && g == nil {
				if _, err = feeder.Get(); err == nil || errors.Is(err, ErrGreenletExit) {
					return
				}
				yield(*new(T), err)
				return
			}
			var v T
			if err == nil {
				v, err = g.Get()
				if room != nil {
					room.Release()
				}
			} else {
				yield(v, err)
				return
			}
			if !yield(v, err) {
				return
			}
		}
	}
}
