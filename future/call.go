package future

import (
	"context"
	"encoding/gob"
	"errors"
	"fmt"
	"iter"

	"github.com/asyncgo/asyncgo/internal/loop"
)

// remoteCall is a call in the queue of a pool.
type remoteCall interface {
	place() *place
	drop() // cancels it
	size() int
	encode(*gob.Encoder) error
	decode(worker string, dec *gob.Decoder) (done func(), err error)
	fail(error)
}

// Call has f called with arg by a worker process and returns the future of its outcome. It stands for
// submit. It does not block.
//
// The future can be cancelled until a worker has begun the call. Its done callbacks run on the goroutine of
// the pool that serves the worker, so they must not wait for another call. An argument or a result that gob
// cannot encode or decode is an error of this call, and a panic of its GobEncode or GobDecode a [PanicError].
// A panic in the function is a [PanicError] whose value is its text. After Shutdown the future has failed
// with [ErrShutdown].
func Call[A, T any](p *ProcessPool, f Func[A, T], arg A) *Future[T] {
	p.check("Call")
	c := newCall[A, T](f, []box[A]{{arg}}, func(outcomes []outcome[T], err error) (T, error) {
		if err != nil {
			return *new(T), err
		}
		return outcomes[0].v, outcomes[0].err
	})
	p.submit(c)
	return &c.fut
}

// CallMap is [Map] for a [ProcessPool]. The items go to the workers in chunks of the given size, which is
// chunksize: with many small items a large chunk saves most of the cost. If a worker breaks, all items
// of its chunk fail. It panics if chunk is not positive.
func CallMap[A, T any](ctx context.Context, p *ProcessPool, f Func[A, T], items iter.Seq[A], chunk int) iter.Seq2[T, error] {
	p.check("CallMap")
	switch {
	case ctx == nil:
		panic("future: CallMap was called with a nil ctx")
	case items == nil:
		panic("future: CallMap was called with nil items")
	case chunk <= 0:
		panic(fmt.Sprintf("future: CallMap was called with chunks of %d items", chunk))
	}
	chunks := func(yield func([]box[A]) bool) {
		var args []box[A]
		for item := range items {
			if args = append(args, box[A]{item}); len(args) == chunk {
				if !yield(args) {
					return
				}
				args = nil
			}
		}
		if len(args) > 0 {
			yield(args)
		}
	}
	submit := func(args []box[A]) *Future[[]outcome[T]] {
		c := newCall[A, T](f, args, func(outcomes []outcome[T], err error) ([]outcome[T], error) {
			if err == nil || errors.Is(err, ErrShutdown) {
				return outcomes, err
			}
			outcomes = make([]outcome[T], len(args))
			for i := range outcomes {
				outcomes[i].err = err
			}
			return outcomes, nil
		})
		p.submit(c)
		return &c.fut
	}
	return inOrder(ctx, 3*p.workers, iter.Seq[[]box[A]](chunks), submit, func(f *Future[[]outcome[T]], yield func(T, error) bool) bool {
		outcomes, err := f.Result()
		if err != nil {
			return yield(*new(T), err)
		}
		for _, o := range outcomes {
			if !yield(o.v, o.err) {
				return false
			}
		}
		return true
	})
}

// outcome is what has become of one argument.
type outcome[T any] struct {
	v   T
	err error
}

// call is a remoteCall of some types, and its future.
type call[A, T, R any] struct {
	fut    Future[R]
	owner  loop.Owner
	at     place
	f      *registered
	args   []box[A]
	finish func([]outcome[T], error) (R, error)
}

func newCall[A, T, R any](f Func[A, T], args []box[A], finish func([]outcome[T], error) (R, error)) *call[A, T, R] {
	if f.r == nil {
		panic("future: a function was called that Register has not made")
	}
	c := &call[A, T, R]{f: f.r, args: args, finish: finish}
	c.owner.Canceller = c
	c.fut.p.Bind(nil, &c.owner)
	return c
}

func (c *call[A, T, R]) place() *place { return &c.at }
func (c *call[A, T, R]) drop()         { c.CancelWaited(plainCause) }
func (c *call[A, T, R]) size() int     { return len(c.args) }

// CancelWaited implements loop.Canceller.
func (c *call[A, T, R]) CancelWaited(cause *loop.Cause) bool {
	return c.at.withdraw() && c.fut.p.Complete(*new(R), cancelledBy(cause), true)
}

func (c *call[A, T, R]) complete(outcomes []outcome[T], err error) {
	v, err := c.finish(outcomes, err)
	c.fut.p.Complete(v, err, false)
}

func (c *call[A, T, R]) fail(err error) { c.complete(nil, err) }

func (c *call[A, T, R]) encode(enc *gob.Encoder) error {
	if err := enc.Encode(callHead{c.f.name, len(c.args)}); err != nil {
		return err
	}
	if err := enc.Encode(c.args); err != nil {
		return fmt.Errorf("future: the argument of %s: %w", c.f.name, err)
	}
	return nil
}

func (c *call[A, T, R]) decode(worker string, dec *gob.Decoder) (done func(), err error) {
	var head answerHead
	if err := dec.Decode(&head); err != nil || head.N != len(c.args) {
		return nil, fmt.Errorf("future: the answer of %s: %d outcomes: %w", worker, head.N, err)
	}
	var results []box[T]
	if len(head.Marks) < head.N {
		var err error
		if results, err = decodeSlice[box[T]](dec, head.N); err != nil {
			return nil, fmt.Errorf("future: the result of %s: %w", c.f.name, err)
		}
	}
	outcomes := make([]outcome[T], head.N)
	for i, r := range results {
		outcomes[i].v = r.V
	}
	for _, m := range head.Marks {
		var err error
		switch m.Kind {
		case markPanic:
			err = &PanicError{Value: m.Text, Stack: m.Stack}
		case markText:
			err = &WorkerError{worker, m.Text}
		default:
			var e errorBox
			if err := dec.Decode(&e); err != nil {
				return nil, fmt.Errorf("future: an error of %s: %w", c.f.name, err)
			}
			err = e.Err
		}
		outcomes[m.Index].err = err
	}
	return func() { c.complete(outcomes, nil) }, nil
}
