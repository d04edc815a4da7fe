package greenlet_test

import (
	"errors"
	"fmt"
	"runtime"
	"testing"

	"github.com/asyncgo/asyncgo/future"
	"github.com/asyncgo/asyncgo/greenlet"
)

var (
	errFault = errors.New("fault")
	errOther = errors.New("other")
)

// catcher switches to root and hands on the error that it gets there as a value.
func catcher(root *greenlet.Greenlet) func(...any) (any, error) {
	return func(...any) (any, error) {
		_, err := root.Switch("parked")
		return fmt.Sprint("caught ", err), nil
	}
}

func TestThrow(t *testing.T) {
	onEach(t, "C1 an error goes to the parent, and from there to its parent", func(t *testing.T, root *greenlet.Greenlet, start maker) {
		var tr trace
		outer := start(func(...any) (any, error) {
			_, err := root.Switch("ready")
			tr.Add("%v", err)
			return nil, errOther
		})
		must(outer.Switch())
		inner := start(func(...any) (any, error) { return "lost", errFault }, greenlet.Parent(outer))
		if _, err := inner.Switch(); err != errOther || !inner.Dead() || !outer.Dead() {
			t.Errorf("the error is %v, inner is dead: %v, outer is dead: %v", err, inner.Dead(), outer.Dead())
		}
		tr.Expect(t, "fault")
	})

	onEach(t, "C2 C3 an error is thrown at the switch where the greenlet is parked", func(t *testing.T, root *greenlet.Greenlet, start maker) {
		g := start(func(...any) (any, error) {
			_, err := root.Switch()
			return root.Switch("caught " + err.Error())
		})
		must(g.Switch())
		v, err := g.Throw(errFault)
		is(t, v, err, "caught fault", nil)
		v, err = g.Switch("end")
		is(t, v, err, "end", nil)
	})

	onEach(t, "C4 C5 ErrExit ends quietly and is a result", func(t *testing.T, root *greenlet.Greenlet, start maker) {
		g := start(func(...any) (any, error) { return root.Switch() })
		must(g.Switch())
		for range 2 { // the second time it is dead
			v, err := g.Throw(nil)
			if v != greenlet.ErrExit || err != nil || !g.Dead() {
				t.Errorf("the outcome is %v and %v, dead: %v", v, err, g.Dead())
			}
		}
		wrapped := fmt.Errorf("bye: %w", greenlet.ErrExit)
		g = start(func(...any) (any, error) { return root.Switch() })
		must(g.Switch())
		if v, err := g.Throw(wrapped); v != wrapped || err != nil {
			t.Errorf("the outcome is %v and %v", v, err)
		}
	})

	onEach(t, "C6 an error thrown at a dead one is the nearest living ancestor's", func(t *testing.T, _ *greenlet.Greenlet, start maker) {
		g := start(func(...any) (any, error) { return nil, nil })
		must(g.Switch())
		v, err := g.Throw(errFault)
		is(t, v, err, nil, errFault)
	})

	onEach(t, "C7 a new one that is thrown at never runs", func(t *testing.T, _ *greenlet.Greenlet, start maker) {
		ran := func(...any) (any, error) { t.Error("it ran"); return nil, nil }
		g := start(ran)
		v, err := g.Throw(errFault)
		is(t, v, err, nil, errFault)
		h := start(ran)
		v, err = h.Throw(nil)
		is(t, v, err, greenlet.ErrExit, nil)
		if !g.Dead() || !h.Dead() {
			t.Error("they are not dead")
		}
	})

	onEach(t, "C8 an error passes parents that never started, and ends them", func(t *testing.T, _ *greenlet.Greenlet, start maker) {
		ran := func(...any) (any, error) { t.Error("it ran"); return nil, nil }
		g1 := start(ran)
		g2 := start(ran, greenlet.Parent(g1))
		v, err := g2.Throw(errFault)
		is(t, v, err, nil, errFault)
		if !g1.Dead() || !g2.Dead() {
			t.Error("they are not dead")
		}
	})

	onEach(t, "C9 a parent that is parked catches what its child dies of", func(t *testing.T, root *greenlet.Greenlet, start maker) {
		for _, parked := range []bool{false, true} {
			g1 := start(catcher(root))
			must(g1.Switch())
			g2 := start(func(...any) (any, error) { return root.Switch() }, greenlet.Parent(g1))
			if parked {
				must(g2.Switch())
			}
			v, err := g2.Throw(errFault)
			is(t, v, err, "caught fault", nil)
			if !g1.Dead() || !g2.Dead() {
				t.Error("they are not dead")
			}
		}
	})

	onEach(t, "C10 who throws at himself gets the error at once", func(t *testing.T, root *greenlet.Greenlet, start maker) {
		v, err := root.Throw(errFault)
		is(t, v, err, nil, errFault)
		v, err = root.Throw(nil)
		is(t, v, err, nil, greenlet.ErrExit)
		g := start(func(...any) (any, error) {
			_, err := greenlet.Current().Throw(errFault)
			return fmt.Sprint("caught ", err), nil
		})
		v, err = g.Switch()
		is(t, v, err, "caught fault", nil)
	})

	t.Run("C12 a greenlet without a function cannot be made", func(t *testing.T) {
		if p := caught(func() { greenlet.New(nil) }); p != "greenlet: New was called with a nil function" {
			t.Errorf("New(nil) panics with %v", p)
		}
		if p := caught(func() { new(greenlet.Greenlet).Switch() }); p != "greenlet: Switch was called on a Greenlet that New has not made" {
			t.Errorf("a Switch to a zero Greenlet panics with %v", p)
		}
	})

	onEach(t, "C15 C16 another goroutine cannot switch, throw or set parents", func(t *testing.T, root *greenlet.Greenlet, start maker) {
		ran := func(...any) (any, error) { t.Error("it ran"); return nil, nil }
		parked := start(func(...any) (any, error) { return root.Switch() })
		must(parked.Switch())
		ended := start(func(...any) (any, error) { return nil, nil })
		must(ended.Switch())
		done := make(chan struct{})
		go func() {
			defer close(done)
			for _, g := range []*greenlet.Greenlet{start(ran, greenlet.Parent(root)), parked, ended, root} {
				if _, err := g.Switch(); err != greenlet.ErrOtherThread {
					t.Errorf("a switch to %v returns %v", g, err)
				}
				if _, err := g.Throw(errFault); err != greenlet.ErrOtherThread {
					t.Errorf("a throw at %v returns %v", g, err)
				}
			}
			own := start(func(...any) (any, error) { return parent().Switch() })
			must(own.Switch())
			if err := own.SetParent(parked); err != greenlet.ErrOtherThread {
				t.Errorf("a foreign parent is %v", err)
			}
			must(own.Switch())
		}()
		<-done
		if _, err := parked.Switch("still here"); err != nil || !parked.Dead() {
			t.Errorf("the greenlet is not its old self: %v", err)
		}
	})
}

func TestPanics(t *testing.T) {
	onEach(t, "a panic is an error of the parent, with its stack", func(t *testing.T, root *greenlet.Greenlet, start maker) {
		early := start(func(...any) (any, error) { panic(errFault) })
		late := start(func(...any) (any, error) {
			must(root.Switch())
			panic(errFault)
		})
		must(late.Switch())
		thrown := start(func(...any) (any, error) {
			_, err := root.Switch()
			panic(err)
		})
		must(thrown.Switch())
		deferred := start(func(...any) (any, error) {
			defer panic(errFault)
			return nil, nil
		})
		for name, run := range map[string]func() (any, error){
			"early":    func() (any, error) { return early.Switch() },
			"late":     func() (any, error) { return late.Switch() },
			"thrown":   func() (any, error) { return thrown.Throw(errFault) },
			"deferred": func() (any, error) { return deferred.Switch() },
		} {
			_, err := run()
			var p *future.PanicError
			if !errors.As(err, &p) || !errors.Is(err, errFault) || len(p.Stack) == 0 {
				t.Errorf("%s: the error is %v", name, err)
			}
		}
		for _, g := range []*greenlet.Greenlet{early, late, thrown, deferred} {
			if !g.Dead() {
				t.Errorf("%v is not dead", g)
			}
		}
	})

	onEach(t, "a panic passes through parents that return the error", func(t *testing.T, _ *greenlet.Greenlet, start maker) {
		outer := start(func(...any) (any, error) {
			return start(func(...any) (any, error) { panic("bottom") }).Switch()
		})
		var p *future.PanicError
		if _, err := outer.Switch(); !errors.As(err, &p) || p.Value != "bottom" {
			t.Errorf("the error is %v", err)
		}
	})

	onEach(t, "Goexit ends everybody up to the root, with all deferred calls", func(t *testing.T, _ *greenlet.Greenlet, start maker) {
		var tr trace
		done := make(chan struct{})
		go func() {
			defer close(done)
			defer tr.Add("root")
			outer := start(func(...any) (any, error) {
				defer tr.Add("outer")
				inner := start(func(...any) (any, error) {
					defer tr.Add("inner")
					runtime.Goexit()
					return nil, nil
				})
				return inner.Switch()
			})
			outer.Switch()
			tr.Add("never")
		}()
		<-done
		tr.Expect(t, "inner outer root")
	})

	onEach(t, "a deferred call may switch", func(t *testing.T, root *greenlet.Greenlet, start maker) {
		g := start(func(...any) (any, error) {
			defer root.Switch("deferred")
			panic(errFault)
		})
		v, err := g.Switch()
		is(t, v, err, "deferred", nil)
		if _, err = g.Switch(); !errors.Is(err, errFault) {
			t.Errorf("the error is %v", err)
		}
	})
}

func TestState(t *testing.T) {
	onEach(t, "D1 D2 D3 a greenlet says in which state it is", func(t *testing.T, root *greenlet.Greenlet, start maker) {
		var g *greenlet.Greenlet
		say := func(started, dead bool, text string) {
			t.Helper()
			if g.Started() != started || g.Dead() != dead || g.String() != text {
				t.Errorf("started: %v, dead: %v, %v; it should say %s", g.Started(), g.Dead(), g, text)
			}
		}
		g = start(func(...any) (any, error) {
			say(true, false, "Greenlet(TestState, current)")
			return root.Switch()
		})
		say(false, false, "Greenlet(TestState, pending)")
		must(g.Switch())
		say(true, false, "Greenlet(TestState, suspended)")
		must(g.Switch())
		say(false, true, "Greenlet(TestState, dead)")
		if !root.Started() || root.Dead() || root.String() != "Greenlet(main, current)" {
			t.Errorf("the root says %v", root)
		}
	})

	onEach(t, "D5 killing ends a greenlet at once, and its deferred calls run", func(t *testing.T, root *greenlet.Greenlet, start maker) {
		var tr trace
		g := start(func(...any) (any, error) {
			defer tr.Add("finally")
			_, err := root.Switch()
			tr.Add("%v", errors.Is(err, greenlet.ErrExit))
			return nil, err
		})
		must(g.Switch())
		tr.Add("before")
		if err := g.Kill(); err != nil || !g.Dead() {
			t.Errorf("the error is %v, dead: %v", err, g.Dead())
		}
		tr.Add("after")
		tr.Expect(t, "before true finally after")
		if err := g.Kill(); err != nil {
			t.Errorf("killing it again returns %v", err)
		}
		fresh := start(func(...any) (any, error) { t.Error("it ran"); return nil, nil })
		if err := fresh.Kill(); err != nil || !fresh.Dead() {
			t.Errorf("killing a new one returns %v", err)
		}
		self := start(func(...any) (any, error) { return nil, greenlet.Current().Kill() })
		v, err := self.Switch()
		is(t, v, err, greenlet.ErrExit, nil)
	})

	onEach(t, "D6 D7 who kills is the parent meanwhile, and sees what goes wrong", func(t *testing.T, root *greenlet.Greenlet, start maker) {
		var zombie *greenlet.Greenlet
		home := start(func(...any) (any, error) {
			zombie = start(func(...any) (any, error) {
				_, err := root.Switch()
				if parent() != root || err != greenlet.ErrExit {
					t.Errorf("the parent is %v, the error %v", parent(), err)
				}
				must(parent().Switch("not yet"))
				return "later", nil
			})
			v, err := zombie.Switch()
			return fmt.Sprint("home got ", v), err
		})
		must(home.Switch())
		if err := zombie.Kill(); !errors.Is(err, greenlet.ErrSurvived) || zombie.Parent() != home {
			t.Errorf("the error is %v, the parent %v", err, zombie.Parent())
		}
		v, err := zombie.Switch()
		is(t, v, err, "home got later", nil)

		g := start(func(...any) (any, error) {
			root.Switch()
			return nil, errFault
		})
		must(g.Switch())
		if err := g.Kill(); err != errFault {
			t.Errorf("the error is %v", err)
		}
	})

	onEach(t, "D8 another goroutine can end what its own has forgotten", func(t *testing.T, _ *greenlet.Greenlet, start maker) {
		var forgotten, stubborn *greenlet.Greenlet
		done := make(chan struct{})
		var tr trace
		go func() {
			defer close(done)
			root := greenlet.Current()
			forgotten = start(func(...any) (any, error) {
				defer tr.Add("deferred")
				return root.Switch()
			})
			must(forgotten.Switch())
			stubborn = start(func(...any) (any, error) {
				root.Switch()
				root.Switch() // leads to who kills
				return nil, nil
			})
			must(stubborn.Switch())
		}()
		<-done
		if all := greenlet.All(); len(all) != 2 {
			t.Errorf("left are %v", all)
		}
		if err := forgotten.Kill(); err != nil || !forgotten.Dead() {
			t.Errorf("the error is %v", err)
		}
		if err := stubborn.Kill(); !errors.Is(err, greenlet.ErrSurvived) {
			t.Errorf("the error is %v", err)
		}
		if err := stubborn.Kill(); err != nil || !stubborn.Dead() {
			t.Errorf("the error is %v", err)
		}
		tr.Expect(t, "deferred")
	})

	t.Run("the helper names what is left behind", func(t *testing.T) {
		root := greenlet.Current()
		g := greenlet.New(func(...any) (any, error) { return root.Switch() })
		must(g.Switch())
		var r recorder
		greenlet.VerifyNone(&r)
		if fmt.Sprint(r) != "[greenlet: Greenlet(TestState, suspended) was left behind]" {
			t.Errorf("it says %v", r)
		}
		g.Kill()
		greenlet.VerifyNone(t)
	})
}

type recorder []string

func (r *recorder) Helper()                           {}
func (r *recorder) Errorf(format string, args ...any) { *r = append(*r, fmt.Sprintf(format, args...)) }

func TestSetTrace(t *testing.T) {
	onEach(t, "D9 D10 D12 the tracer is told of every switch, in the target", func(t *testing.T, root *greenlet.Greenlet, start maker) {
		var tr trace
		names := map[*greenlet.Greenlet]string{root: "main"}
		tracer := func(e greenlet.Event, origin, target *greenlet.Greenlet) {
			if greenlet.Current() != target {
				t.Error("the tracer is not called in the target")
			}
			tr.Add("%s(%s→%s)", e, names[origin], names[target])
		}
		if greenlet.SetTrace(tracer) != nil {
			t.Error("there was a tracer")
		}
		g1 := start(func(...any) (any, error) { return nil, nil })
		g2 := start(func(...any) (any, error) { return nil, errFault })
		g3 := start(catcher(root))
		names[g1], names[g2], names[g3] = "g1", "g2", "g3"
		g1.Switch()
		g2.Switch()
		g3.Switch()
		g3.Throw(errFault)
		g1.Switch() // dead
		if greenlet.SetTrace(nil) == nil {
			t.Error("there was no tracer")
		}
		tr.Expect(t, "switch(main→g1) switch(g1→main) switch(main→g2) throw(g2→main) switch(main→g3) switch(g3→main) "+
			"throw(main→g3) switch(g3→main) switch(main→main)")
	})

	onEach(t, "D11 a tracer that panics is an error in the target, and gone", func(t *testing.T, root *greenlet.Greenlet, start maker) {
		g := start(func(...any) (any, error) {
			_, err := root.Switch("parked")
			return nil, err
		})
		must(g.Switch())
		calls := 0
		greenlet.SetTrace(func(greenlet.Event, *greenlet.Greenlet, *greenlet.Greenlet) { calls++; panic(errFault) })
		if _, err := g.Switch(); !errors.Is(err, errFault) || calls != 1 || greenlet.SetTrace(nil) != nil {
			t.Errorf("the error is %v after %d calls", err, calls)
		}
	})

	onEach(t, "D13 a tracer that switches does not mix up the values", func(t *testing.T, root *greenlet.Greenlet, start maker) {
		other := start(func(...any) (any, error) {
			for {
				if _, err := parent().Switch("noise"); err != nil {
					return nil, err
				}
			}
		})
		must(other.Switch())
		busy := false
		greenlet.SetTrace(func(_ greenlet.Event, _, target *greenlet.Greenlet) {
			if busy || target == other {
				return
			}
			busy = true
			other.SetParent(target)
			must(other.Switch("tracer"))
			busy = false
		})
		g := start(func(args ...any) (any, error) {
			v, err := root.Switch("to main", args[0])
			return []any{"end", v}, err
		})
		v, err := g.Switch("start")
		is(t, v, err, []any{"to main", "start"}, nil)
		v, err = g.Switch("again")
		is(t, v, err, []any{"end", "again"}, nil)
		greenlet.SetTrace(nil)
		other.SetParent(root)
		other.Kill()
	})
}
