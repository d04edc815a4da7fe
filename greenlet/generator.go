package greenlet

import (
	"errors"
	"iter"
)

// Errors of generators.
var (
	// ErrStop is returned by the methods of a [Generator] whose body has returned: StopIteration.
	ErrStop = errors.New("greenlet: the generator has ended")
	// ErrGeneratorState is returned for what a generator cannot do now: to be asked for a value by its
	// own body, to be sent one before it has started, to yield while nobody asks, or to yield after
	// Close. It stands for Python's "generator already executing", "can't send non-None value to a
	// just-started generator" and "generator ignored GeneratorExit".
	ErrGeneratorState = errors.New("greenlet: not in this state of the generator")
)

// A Generator is Python's generator with types: a body that yields values of type Out, gets a value of
// type In for each, and stands still in between. yield may be called from any depth, and from another
// greenlet: from a generator inside the body it yields to the consumer of the outer one.
//
// It is made by [NewGenerator] and belongs to the goroutine that first asks it for a value. One that is not
// consumed to its end must be closed.
type Generator[In, Out any] struct {
	body     func(yield func(Out) (In, error)) error
	g        *Greenlet // runs the body
	at       *Greenlet // the one that has yielded
	consumer *Greenlet // waits for a value; nil when nobody does
	in       In
	out      Out
	yielded  bool
	closing  bool
	done     bool
	err      error // that the body has ended with
}

// NewGenerator makes a generator of a body, which runs when the first value is asked for. yield returns what
// was sent, or the error that was thrown; the body has to return when that is [ErrExit], as its last error
// or nil. NewGenerator panics if body is nil.
func NewGenerator[In, Out any](body func(yield func(Out) (In, error)) error) *Generator[In, Out] {
	if body == nil {
		panic("greenlet: NewGenerator was called with a nil function")
	}
	return &Generator[In, Out]{body: body}
}

// Next runs the body until it yields and returns the value: next(generator). The yield before returns the
// zero In. At the end the error is [ErrStop], or once that of the body.
func (gen *Generator[In, Out]) Next() (Out, error) {
	return gen.resume(*new(In), nil)
}

// Send is [Generator.Next] with a value that the yield before returns: send(value). Before the first Next
// it returns [ErrGeneratorState], because there is no yield yet that could.
func (gen *Generator[In, Out]) Send(v In) (Out, error) {
	if gen.g == nil && !gen.done {
		return *new(Out), ErrGeneratorState
	}
	return gen.resume(v, nil)
}

// Throw is [Generator.Next] with an error that the yield before returns: throw(err). A generator that has
// not started, or has ended, just returns it, and is done. Nil stands for [ErrExit].
func (gen *Generator[In, Out]) Throw(err error) (Out, error) {
	if err == nil {
		err = ErrExit
	}
	if gen.g == nil || gen.done {
		gen.done = true
		return *new(Out), err
	}
	return gen.resume(*new(In), err)
}

// Close ends the body: the yield in which it stands returns [ErrExit]. It returns the error of the body,
// which is nil also if the body passes on ErrExit, and [ErrGeneratorState] if it yields once more. One that
// has not started never does; closing again does nothing. It stands for close().
func (gen *Generator[In, Out]) Close() error {
	if gen.g == nil || gen.done {
		gen.done = true
		return nil
	}
	gen.closing = true
	_, err := gen.resume(*new(In), ErrExit)
	gen.closing = false
	switch {
	case err == nil:
		return ErrGeneratorState
	case errors.Is(err, ErrStop), errors.Is(err, ErrExit):
		return nil
	}
	return err
}

// All returns an iterator over what is left. Leaving it early closes the generator. [Generator.Err] tells
// how it has ended.
func (gen *Generator[In, Out]) All() iter.Seq[Out] {
	return func(yield func(Out) bool) {
		for {
			v, err := gen.Next()
			if err != nil {
				return
			}
			if !yield(v) {
				if err := gen.Close(); err != nil && gen.err == nil {
					gen.err = err
				}
				return
			}
		}
	}
}

// Err returns the error that the body has ended with, nil if there is none or it has not ended.
func (gen *Generator[In, Out]) Err() error { return gen.err }

// resume runs the body until it yields or ends.
func (gen *Generator[In, Out]) resume(in In, thrown error) (Out, error) {
	var none Out
	switch {
	case gen.done:
		return none, ErrStop
	case gen.consumer != nil:
		return none, ErrGeneratorState
	case gen.g == nil:
		gen.g = New(func(...any) (any, error) { return nil, gen.body(gen.yield) })
		gen.at = gen.g
	}
	me, err := gen.g.tree.Load().caller()
	if err != nil {
		return none, err
	}
	if gen.g.parent != me {
		gen.g.parent = me
	}
	gen.in = in
	gen.consumer = me
	_, err = me.send(gen.at, nil, thrown)
	gen.consumer = nil
	if gen.yielded {
		gen.yielded = false
		v := gen.out
		gen.out = none
		return v, nil
	}
	if gen.g.state.Load() != dead { // Somebody else has switched here.
		return none, errors.Join(ErrGeneratorState, err)
	}
	gen.done = true
	if err == nil {
		err = ErrStop
	} else {
		gen.err = err
	}
	return none, err
}

// yield hands a value to the consumer.
func (gen *Generator[In, Out]) yield(v Out) (In, error) {
	to := gen.consumer
	if to == nil {
		return *new(In), ErrGeneratorState
	}
	me, err := to.tree.Load().caller()
	switch {
	case err != nil:
		return *new(In), err
	case me == to:
		return *new(In), ErrGeneratorState
	}
	gen.out, gen.yielded = v, true
	gen.at = me
	if _, err := me.send(to, nil, nil); err != nil {
		return *new(In), err
	}
	in := gen.in
	gen.in = *new(In)
	return in, nil
}
