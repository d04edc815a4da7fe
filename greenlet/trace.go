package greenlet

import (
	"github.com/sourcegraph/conc/panics"

	"github.com/asyncgo/asyncgo/internal/loop"
)

// An Event is what a trace function is told of.
type Event string

// The events, spelled as Python does.
const (
	Switched Event = "switch" // control has moved, with values
	Thrown   Event = "throw"  // control has moved, with an error
)

// SetTrace sets the function that is called after every switch in the tree of the calling greenlet, in the
// greenlet that was switched to, and returns the one before: settrace. Nil ends the tracing. A Switch to
// oneself is a switch, too.
//
// If the function panics, the tracing is over, and the pending Switch of the greenlet that it runs in
// returns a [PanicError].
func SetTrace(fn func(event Event, origin, target *Greenlet)) (previous func(event Event, origin, target *Greenlet)) {
	t := Current().tree.Load()
	previous, t.tracer = t.tracer, fn
	if fn == nil {
		tracing.Delete(t.root)
	} else {
		tracing.Store(t.root, struct{}{})
	}
	return previous
}

// trace tells the tracer that me has got control, and returns what me has got with it.
func (t *tree) trace(me *Greenlet, v any, err error) (any, error) {
	event := Switched
	if err != nil {
		event = Thrown
	}
	if p := panics.Try(func() { t.tracer(event, t.from, me) }); p != nil {
		t.tracer = nil
		tracing.Delete(t.root)
		return nil, loop.Spell.Panic(p)
	}
	return v, err
}
