package greenlet_test

import (
	"errors"
	"testing"

	"github.com/asyncgo/asyncgo/future"
	"github.com/asyncgo/asyncgo/greenlet"
)

// Whatever state a greenlet is in, a throw has one defined outcome, and nothing is left behind.
func TestThrowInEveryState(t *testing.T) {
	park := func(root *greenlet.Greenlet) func(...any) (any, error) {
		return func(...any) (any, error) { return root.Switch("parked") }
	}
	states := []struct {
		name string
		// throw makes a greenlet in that state and throws err at it.
		throw func(root *greenlet.Greenlet, start maker, err error) (*greenlet.Greenlet, any, error)
		// here says that an ErrExit arrives as an error too, because nobody ends of it.
		here bool
	}{
		{"new", func(root *greenlet.Greenlet, start maker, err error) (*greenlet.Greenlet, any, error) {
			g := start(func(...any) (any, error) { panic("it ran") })
			v, e := g.Throw(err)
			return g, v, e
		}, false},
		{"parked", func(root *greenlet.Greenlet, start maker, err error) (*greenlet.Greenlet, any, error) {
			g := start(park(root))
			must(g.Switch())
			v, e := g.Throw(err)
			return g, v, e
		}, false},
		{"parked below another one", func(root *greenlet.Greenlet, start maker, err error) (*greenlet.Greenlet, any, error) {
			var inner *greenlet.Greenlet
			g := start(func(...any) (any, error) {
				inner = start(park(root))
				return inner.Switch()
			})
			must(g.Switch())
			v, e := inner.Throw(err)
			return g, v, e
		}, false},
		{"waiting for its child, which is parked", func(root *greenlet.Greenlet, start maker, err error) (*greenlet.Greenlet, any, error) {
			var inner *greenlet.Greenlet
			g := start(func(...any) (any, error) {
				inner = start(park(root))
				return inner.Switch()
			})
			must(g.Switch())
			v, e := g.Throw(err)
			if _, late := inner.Throw(nil); late != nil {
				e = errors.Join(e, late)
			}
			return g, v, e
		}, false},
		{"waiting for the one that throws", func(root *greenlet.Greenlet, start maker, err error) (*greenlet.Greenlet, any, error) {
			var inner *greenlet.Greenlet
			g := start(func(...any) (any, error) {
				inner = start(func(...any) (any, error) { return parent().Throw(err) })
				return inner.Switch()
			})
			v, e := g.Switch()
			inner.Kill()
			return g, v, e
		}, false},
		{"running", func(root *greenlet.Greenlet, start maker, err error) (*greenlet.Greenlet, any, error) {
			g := start(func(...any) (any, error) { return greenlet.Current().Throw(err) })
			v, e := g.Switch()
			return g, v, e
		}, false},
		{"dead", func(root *greenlet.Greenlet, start maker, err error) (*greenlet.Greenlet, any, error) {
			g := start(func(...any) (any, error) { return nil, nil })
			must(g.Switch())
			v, e := g.Throw(err)
			return g, v, e
		}, false},
		{"root", func(root *greenlet.Greenlet, start maker, err error) (*greenlet.Greenlet, any, error) {
			v, e := root.Throw(err)
			return nil, v, e
		}, true},
		{"root that waits", func(root *greenlet.Greenlet, start maker, err error) (*greenlet.Greenlet, any, error) {
			g := start(func(...any) (any, error) { return root.Throw(err) })
			v, e := g.Switch()
			g.Kill()
			return g, v, e
		}, true},
	}
	for _, s := range states {
		onEach(t, s.name, func(t *testing.T, root *greenlet.Greenlet, start maker) {
			g, v, err := s.throw(root, start, errFault)
			is(t, v, err, nil, errFault)
			if g != nil && !g.Dead() {
				t.Errorf("%v lives after a fault", g)
			}
			g, v, err = s.throw(root, start, greenlet.ErrExit)
			if s.here {
				is(t, v, err, nil, greenlet.ErrExit)
			} else {
				is(t, v, err, greenlet.ErrExit, nil)
			}
			if g != nil && !g.Dead() {
				t.Errorf("%v lives after an exit", g)
			}
		})
	}
}

// A panic is the parent's error wherever it happens, and the tree works on.
func TestPanicInEveryPosition(t *testing.T) {
	positions := []struct {
		name string
		run  func(root *greenlet.Greenlet, start maker) error
	}{
		{"at the start", func(_ *greenlet.Greenlet, start maker) error {
			_, err := start(func(...any) (any, error) { panic(errFault) }).Switch()
			return err
		}},
		{"after a switch", func(root *greenlet.Greenlet, start maker) error {
			g := start(func(...any) (any, error) { must(root.Switch()); panic(errFault) })
			must(g.Switch())
			_, err := g.Switch()
			return err
		}},
		{"with an error that was thrown", func(root *greenlet.Greenlet, start maker) error {
			g := start(func(...any) (any, error) { return must(root.Switch()), nil })
			must(g.Switch())
			_, err := g.Throw(errFault)
			return err
		}},
		{"in a deferred call", func(_ *greenlet.Greenlet, start maker) error {
			_, err := start(func(...any) (any, error) { defer panic(errFault); return nil, nil }).Switch()
			return err
		}},
		{"in a deferred call, on top of another panic", func(_ *greenlet.Greenlet, start maker) error {
			_, err := start(func(...any) (any, error) { defer panic(errFault); panic("first") }).Switch()
			return err
		}},
		{"while it is killed", func(root *greenlet.Greenlet, start maker) error {
			g := start(func(...any) (any, error) { defer panic(errFault); return root.Switch() })
			must(g.Switch())
			return g.Kill()
		}},
		{"while another goroutine kills it", func(root *greenlet.Greenlet, start maker) error {
			g := start(func(...any) (any, error) { defer panic(errFault); return root.Switch() })
			must(g.Switch())
			killed := make(chan error)
			go func() { killed <- g.Kill() }()
			return <-killed
		}},
		{"in a parent that a result has started", func(_ *greenlet.Greenlet, start maker) error {
			p := start(func(...any) (any, error) { panic(errFault) })
			_, err := start(func(...any) (any, error) { return nil, nil }, greenlet.Parent(p)).Switch()
			return err
		}},
		{"in a parent whose child has ended", func(_ *greenlet.Greenlet, start maker) error {
			_, err := start(func(...any) (any, error) {
				must(start(func(...any) (any, error) { return nil, nil }).Switch())
				panic(errFault)
			}).Switch()
			return err
		}},
		{"three levels down, passed on by return", func(_ *greenlet.Greenlet, start maker) error {
			var down func(level int) (any, error)
			down = func(level int) (any, error) {
				if level == 3 {
					panic(errFault)
				}
				return start(func(...any) (any, error) { return down(level + 1) }).Switch()
			}
			_, err := start(func(...any) (any, error) { return down(1) }).Switch()
			return err
		}},
		{"in a sibling", func(_ *greenlet.Greenlet, start maker) error {
			two := start(func(...any) (any, error) { panic(errFault) })
			one := start(func(...any) (any, error) { return two.Switch() })
			_, err := one.Switch() // The root is the parent of both, and one stays parked.
			one.Kill()
			return err
		}},
		{"in the tracer", func(_ *greenlet.Greenlet, start maker) error {
			greenlet.SetTrace(func(greenlet.Event, *greenlet.Greenlet, *greenlet.Greenlet) { panic(errFault) })
			_, err := start(func(...any) (any, error) { return nil, nil }).Switch()
			return err
		}},
		{"in a generator", func(_ *greenlet.Greenlet, start maker) error {
			_, err := start(func(...any) (any, error) {
				gen := greenlet.NewGenerator(func(yield func(int) (int, error)) error { yield(1); panic(errFault) })
				gen.Next()
				return gen.Next()
			}).Switch()
			return err
		}},
		{"while a generator is closed", func(_ *greenlet.Greenlet, start maker) error {
			gen := greenlet.NewGenerator(func(yield func(int) (int, error)) error { defer panic(errFault); yield(1); return nil })
			gen.Next()
			return gen.Close()
		}},
	}
	for _, p := range positions {
		onEach(t, p.name, func(t *testing.T, root *greenlet.Greenlet, start maker) {
			err := p.run(root, start)
			var panicked *future.PanicError
			if !errors.As(err, &panicked) || !errors.Is(err, errFault) || len(panicked.Stack) == 0 {
				t.Errorf("the error is %v", err)
			}
			if v, err := start(func(...any) (any, error) { return "alive", nil }).Switch(); v != "alive" || err != nil {
				t.Errorf("the tree is not in order any more: %v, %v", v, err)
			}
		})
	}
}

// What a foreign goroutine does to a tree that is at work is refused, and never races.
func TestForeignGoroutineAtWork(t *testing.T) {
	onEach(t, "while it switches", func(t *testing.T, root *greenlet.Greenlet, start maker) {
		g := start(func(...any) (any, error) {
			for {
				if _, err := root.Switch(); err != nil {
					return nil, err
				}
			}
		})
		must(g.Switch())
		stop, done := make(chan struct{}), make(chan struct{})
		go func() {
			defer close(done)
			for {
				select {
				case <-stop:
					return
				default:
				}
				for _, to := range []*greenlet.Greenlet{g, root} {
					if _, err := to.Switch(1); err != greenlet.ErrOtherThread {
						t.Errorf("a switch returns %v", err)
					}
					if _, err := to.Throw(errFault); err != greenlet.ErrOtherThread {
						t.Errorf("a throw returns %v", err)
					}
					_, _, _ = to.Dead(), to.Started(), to.String()
				}
			}
		}()
		for range 2000 {
			v, err := g.Switch()
			is(t, v, err, nil, nil)
		}
		close(stop)
		<-done
		if err := g.Kill(); err != nil {
			t.Error(err)
		}
	})

	onEach(t, "which ends greenlets whenever the root is at rest", func(t *testing.T, root *greenlet.Greenlet, start maker) {
		busy := start(func(...any) (any, error) {
			for {
				if _, err := root.Switch(); err != nil {
					return nil, err
				}
			}
		})
		must(busy.Switch())
		all := make([]*greenlet.Greenlet, 50)
		for i := range all {
			all[i] = start(func(...any) (any, error) { return root.Switch() })
			must(all[i].Switch())
		}
		done := make(chan struct{})
		go func() {
			defer close(done)
			for _, g := range all {
				for g.Kill() == greenlet.ErrOtherThread { // The root was not at rest.
					continue
				}
				if !g.Dead() {
					t.Errorf("%v lives", g)
				}
			}
		}()
		for i := range 2000 {
			v, err := busy.Switch()
			is(t, v, err, nil, nil)
			v, err = root.Switch(i)
			is(t, v, err, i, nil)
		}
		<-done
		if err := busy.Kill(); err != nil {
			t.Error(err)
		}
	})
}
