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
	at       *Greenlet // the one that has yielded
	consumer *Greenlet // waits for a value; nil when nobody does
	tree     *tree
	g        *Greenlet // runs the body
	in       In
	out      Out
	last     exchange
	closing  bool
	done     bool
	body     func(yield func(Out) (In, error)) error
	err      error // that the body has ended with
}

// An exchange is what has happened last between a generator and its consumer. The values go past the
// message of the tree, where they would become interfaces, so whoever wakes up asks this first.
type exchange uint8

const (
	nothing exchange = iota
	sent             // in
	yielded          // out
)

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
	return gen.resume(*new(In), nil, false)
}

// Send is [Generator.Next] with a value that the yield before returns: send(value). Before the first Next
// it returns [ErrGeneratorState], because there is no yield yet that could.
func (gen *Generator[In, Out]) Send(v In) (Out, error) {
	return gen.resume(v, nil, true)
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
	return gen.resume(*new(In), err, true)
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
	_, err := gen.resume(*new(In), ErrExit, true)
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
//
// It does by itself what [Greenlet.Switch] does, and Next and Send are short enough to disappear in their
// callers: the processor foresees no return after a switch, so each frame less is a good part of what a
// round trip costs beside its two switches.
func (gen *Generator[In, Out]) resume(in In, thrown error, sends bool) (Out, error) {
	to := gen.at
	if to == nil || to.state.Load() != live || gen.consumer != nil {
		var err error
		if to, err = gen.begin(sends); err != nil {
			return *new(Out), err
		}
	}
	t := gen.tree
	me, p, err := t.depart(to)
	if err != nil {
		return *new(Out), err
	}
	if gen.g.parent != me {
		gen.adopt(me)
	}
	gen.consumer = me
	gen.in, gen.last = in, sent
	if thrown != nil {
		gen.last = nothing
		t.err = thrown
	}
	switch {
	case p == nil:
		me.routine.Switch(&to.routine)
	case p.Turn:
		p.Turn = false
		p.Yield(struct{}{})
		me.routine.Arrive()
	default:
		p.Turn = true
		p.Next()
		me.routine.Arrive()
	}
	gen.consumer = nil
	if gen.last != yielded || t.tracer != nil {
		return gen.settle(me)
	}
	v := gen.out
	gen.out = *new(Out)
	t.arrive(me)
	return v, nil
}

// begin returns who is to be resumed, when that is not just who has yielded.
func (gen *Generator[In, Out]) begin(sends bool) (*Greenlet, error) {
	switch {
	case gen.done:
		return nil, ErrStop
	case gen.consumer != nil:
		return nil, ErrGeneratorState
	case gen.g == nil:
		if sends {
			return nil, ErrGeneratorState
		}
		yield := gen.yield()
		gen.g = New(func(...any) (any, error) { return nil, gen.body(yield) })
		gen.tree = gen.g.tree.Load()
		gen.at = gen.g
	case gen.g.state.Load() == dead: // It was killed.
		gen.done = true
		return nil, ErrStop
	default: // Another one that has yielded has ended since.
		gen.at = gen.g
	}
	return gen.at, nil
}

// adopt makes the consumer the parent of the body, unless it comes after it.
func (gen *Generator[In, Out]) adopt(me *Greenlet) {
	for p := me; p != nil; p = p.parent {
		if p == gen.g {
			return
		}
	}
	gen.g.parent = me
}

// settle ends a resume that no value has come back from in the usual way.
func (gen *Generator[In, Out]) settle(me *Greenlet) (Out, error) {
	last := gen.last
	gen.last = nothing
	_, err := me.receive()
	switch {
	case last == yielded: // err is what the tracer has done.
		v := gen.out
		gen.out = *new(Out)
		return v, err
	case gen.g.state.Load() != dead: // Somebody else has switched here.
		return *new(Out), errors.Join(ErrGeneratorState, err)
	}
	gen.done = true
	if gen.err = err; err == nil {
		err = ErrStop
	}
	return *new(Out), err
}

// yield returns the function that hands a value to the consumer.
func (gen *Generator[In, Out]) yield() func(Out) (In, error) {
	return func(v Out) (In, error) {
		to := gen.consumer
		if to == nil {
			return *new(In), ErrGeneratorState
		}
		t := gen.tree
		me, p, err := t.depart(to)
		switch {
		case err != nil:
			return *new(In), err
		case me == to:
			t.arrive(me)
			return *new(In), ErrGeneratorState
		}
		gen.at = me
		gen.out, gen.last = v, yielded
		switch {
		case p == nil:
			me.routine.Switch(&to.routine)
		case p.Turn:
			p.Turn = false
			p.Yield(struct{}{})
			me.routine.Arrive()
		default:
			p.Turn = true
			p.Next()
			me.routine.Arrive()
		}
		in := gen.in
		gen.in = *new(In)
		if gen.last != sent || t.tracer != nil {
			if _, err := me.receive(); err != nil {
				return *new(In), err
			}
			return in, nil
		}
		t.arrive(me)
		return in, nil
	}
}
