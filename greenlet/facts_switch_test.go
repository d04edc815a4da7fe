package greenlet_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/asyncgo/asyncgo/greenlet"
)

func TestSwitch(t *testing.T) {
	onEach(t, "A1 control goes to and fro", func(t *testing.T, root *greenlet.Greenlet, start maker) {
		var tr trace
		g := start(func(...any) (any, error) {
			tr.Add("1")
			must(root.Switch())
			tr.Add("3")
			return nil, nil
		})
		tr.Add("0")
		must(g.Switch())
		tr.Add("2")
		must(g.Switch())
		tr.Add("4")
		tr.Expect(t, "0 1 2 3 4")
	})

	onEach(t, "A2 the first switch gives the arguments, the return value comes back", func(t *testing.T, _ *greenlet.Greenlet, start maker) {
		g := start(func(args ...any) (any, error) { return fmt.Sprint(args), nil })
		v, err := g.Switch(4, "b")
		is(t, v, err, "[4 b]", nil)
		g = start(func(args ...any) (any, error) { return len(args), nil })
		v, err = g.Switch()
		is(t, v, err, 0, nil)
	})

	onEach(t, "A3 A4 a parked switch returns what the other one sends", func(t *testing.T, root *greenlet.Greenlet, start maker) {
		g := start(func(args ...any) (any, error) {
			v, err := root.Switch("first")
			for err == nil && v != "stop" {
				v, err = root.Switch("got", v)
			}
			return "end", err
		})
		v, err := g.Switch()
		is(t, v, err, "first", nil)
		for _, c := range []struct{ send, want any }{
			{[]any{}, nil}, {[]any{"one"}, "one"}, {[]any{1, 2}, []any{1, 2}}, {[]any{nil}, nil}, {[]any{[]any{"t"}}, []any{"t"}},
		} {
			v, err := g.Switch(c.send.([]any)...)
			is(t, v, err, []any{"got", c.want}, nil)
		}
		v, err = g.Switch("stop")
		is(t, v, err, "end", nil)
	})

	onEach(t, "A5 two children take turns and end one after the other", func(t *testing.T, root *greenlet.Greenlet, start maker) {
		var tr trace
		body := func(...any) (any, error) {
			tr.Add("x")
			must(root.Switch())
			tr.Add("y")
			tr.Add("y")
			return nil, nil
		}
		g1, g2 := start(body), start(body)
		var lengths []int
		for _, g := range []*greenlet.Greenlet{g1, g2, g2, g1} {
			must(g.Switch())
			lengths = append(lengths, len(tr))
			if g2.Dead() != (len(lengths) > 2) || g1.Dead() != (len(lengths) > 3) {
				t.Errorf("after %d switches g1 is dead: %v, g2: %v", len(lengths), g1.Dead(), g2.Dead())
			}
		}
		if fmt.Sprint(lengths) != "[1 2 4 6]" {
			t.Errorf("the lengths are %v", lengths)
		}
	})

	onEach(t, "A6 the parent is the creator and not the root", func(t *testing.T, root *greenlet.Greenlet, start maker) {
		var tr trace
		var g *greenlet.Greenlet
		g = start(func(...any) (any, error) {
			tr.Add("a")
			h := start(func(...any) (any, error) {
				tr.Add("b")
				if parent() != g {
					t.Error("the parent is not the creator")
				}
				must(parent().Switch())
				return nil, nil
			})
			must(h.Switch())
			tr.Add("c")
			must(h.Switch())
			return nil, nil
		})
		must(g.Switch())
		tr.Expect(t, "a b c")
	})

	onEach(t, "A7 a switch to oneself returns at once", func(t *testing.T, root *greenlet.Greenlet, start maker) {
		v, err := root.Switch()
		is(t, v, err, nil, nil)
		v, err = root.Switch(5)
		is(t, v, err, 5, nil)
		v, err = root.Switch(1, 2)
		is(t, v, err, []any{1, 2}, nil)
		g := start(func(...any) (any, error) { return greenlet.Current().Switch("self") })
		v, err = g.Switch()
		is(t, v, err, "self", nil)
	})

	onEach(t, "A8 control goes where the switch says, parents or not", func(t *testing.T, _ *greenlet.Greenlet, start maker) {
		var tr trace
		next := map[string]*greenlet.Greenlet{}
		make := func(name string) *greenlet.Greenlet {
			return start(func(...any) (any, error) {
				for _, v := range []string{name, name + "2"} {
					got, err := next[name].Switch(v)
					if err != nil {
						return nil, err
					}
					tr.Add("%s:%v", name, got)
				}
				return name + " end", nil
			})
		}
		a, b, c := make("a"), make("b"), make("c")
		next["a"], next["b"], next["c"] = b, c, a
		v, err := a.Switch("go")
		is(t, v, err, "a end", nil)
		tr.Expect(t, "a:c b:a2 c:b2 a:c2")
		if !a.Dead() || b.Dead() || c.Dead() {
			t.Error("not only a is dead")
		}
		b.Kill()
		c.Kill()
	})

	t.Run("A9 every goroutine has a tree of its own", func(t *testing.T) {
		done := make(chan bool)
		for range 10 {
			go func() {
				root := greenlet.Current()
				var tr trace
				g := greenlet.New(func(...any) (any, error) {
					tr.Add("1")
					must(root.Switch())
					tr.Add("3")
					return nil, nil
				})
				must(g.Switch())
				tr.Add("2")
				must(g.Switch())
				done <- strings.Join(tr, "") == "123" && greenlet.Current() == root && g.Dead()
			}()
		}
		for range 10 {
			if !<-done {
				t.Error("a goroutine's greenlets went astray")
			}
		}
	})
}

func TestParent(t *testing.T) {
	onEach(t, "B1 a result goes to the parent and not to who switched last", func(t *testing.T, _ *greenlet.Greenlet, start maker) {
		var a *greenlet.Greenlet
		b := start(func(...any) (any, error) { return a.Switch("from b") })
		a = start(func(args ...any) (any, error) { return "a got " + args[0].(string), nil })
		v, err := b.Switch()
		is(t, v, err, "a got from b", nil)
		if !a.Dead() || b.Dead() {
			t.Error("a has to be dead and b not")
		}
		b.Kill()
	})

	onEach(t, "B2 a parent that never started is started with the result", func(t *testing.T, _ *greenlet.Greenlet, start maker) {
		p := start(func(args ...any) (any, error) { return []any{args[0], 24}, nil })
		c := start(func(...any) (any, error) { return 42, nil }, greenlet.Parent(p))
		v, err := c.Switch()
		is(t, v, err, []any{42, 24}, nil)
	})

	onEach(t, "B3 B4 what goes wrong in a parent that is started by a result goes to its parent", func(t *testing.T, _ *greenlet.Greenlet, start maker) {
		p := start(func(args ...any) (any, error) { return args[1], nil })
		c := start(func(...any) (any, error) { return 42, nil }, greenlet.Parent(p))
		if v, err := c.Switch(); v != nil || err == nil || !strings.Contains(err.Error(), "index out of range") {
			t.Errorf("the outcome is %v and %v", v, err)
		}
		if !p.Dead() {
			t.Error("the parent is not dead")
		}
	})

	onEach(t, "B5 B6 a switch to a dead one goes to the nearest ancestor that lives", func(t *testing.T, root *greenlet.Greenlet, start maker) {
		runs := 0
		d := start(func(...any) (any, error) { runs++; return nil, nil })
		must(d.Switch())
		for _, c := range []struct {
			send []any
			want any
		}{{nil, nil}, {[]any{25}, 25}, {[]any{1, 2}, []any{1, 2}}} {
			v, err := d.Switch(c.send...)
			is(t, v, err, c.want, nil)
		}
		if runs != 1 {
			t.Errorf("the function ran %d times", runs)
		}
		m := start(func(...any) (any, error) {
			got, err := root.Switch()
			return fmt.Sprint("m got ", got), err
		})
		must(m.Switch())
		if err := d.SetParent(m); err != nil {
			t.Fatal(err)
		}
		v, err := d.Switch("hello")
		is(t, v, err, "m got hello", nil)
	})

	onEach(t, "B7 a dead one whose new parent has not started starts that", func(t *testing.T, _ *greenlet.Greenlet, start maker) {
		c := start(func(...any) (any, error) { return nil, nil })
		must(c.Switch())
		p := start(func(args ...any) (any, error) { return []any{args[0], 24}, nil })
		if err := c.SetParent(p); err != nil {
			t.Fatal(err)
		}
		v, err := c.Switch(42)
		is(t, v, err, []any{42, 24}, nil)
	})

	onEach(t, "B8 parents cannot form a cycle", func(t *testing.T, _ *greenlet.Greenlet, start maker) {
		none := func(...any) (any, error) { return nil, nil }
		g1, g2, g3 := start(none), start(none), start(none)
		g1.SetParent(g2)
		g2.SetParent(g3)
		if err := g3.SetParent(g1); err != greenlet.ErrCycle {
			t.Errorf("a cycle of three is %v", err)
		}
		if err := g1.SetParent(g1); err != greenlet.ErrCycle {
			t.Errorf("a cycle of one is %v", err)
		}
	})

	onEach(t, "B9 a root has no parent and gets none", func(t *testing.T, root *greenlet.Greenlet, start maker) {
		g := start(func(...any) (any, error) { return nil, nil })
		if err := root.SetParent(g); err != greenlet.ErrRootParent || root.Parent() != nil {
			t.Errorf("the error is %v and the parent %v", err, root.Parent())
		}
	})

	onEach(t, "B10 B11 nil is no parent, and as an option it is the creator", func(t *testing.T, root *greenlet.Greenlet, start maker) {
		g := start(func(...any) (any, error) { return nil, nil }, greenlet.Parent(nil))
		if g.Parent() != root {
			t.Error("the parent is not the creator")
		}
		if p := caught(func() { g.SetParent(nil) }); p != "greenlet: SetParent was called with a nil Greenlet" {
			t.Errorf("SetParent(nil) panics with %v", p)
		}
	})

	onEach(t, "B12 a started one cannot move to another goroutine's tree, a new one can", func(t *testing.T, root *greenlet.Greenlet, start maker) {
		parked := start(func(...any) (any, error) { return root.Switch() })
		must(parked.Switch())
		fresh := start(func(...any) (any, error) { return "moved", nil })
		done := make(chan bool)
		go func() {
			defer close(done)
			if err := parked.SetParent(greenlet.Current()); err != greenlet.ErrOtherThread {
				t.Errorf("a parked one moves with %v", err)
			}
			if err := fresh.SetParent(greenlet.Current()); err != nil {
				t.Errorf("a new one does not move: %v", err)
			}
			v, err := fresh.Switch()
			is(t, v, err, "moved", nil)
		}()
		<-done
		parked.Kill()
	})

	onEach(t, "B13 the parent at the time of death counts", func(t *testing.T, root *greenlet.Greenlet, start maker) {
		fault := errors.New("fault")
		var tr trace
		a := start(func(...any) (any, error) {
			_, err := root.Switch()
			tr.Add("a")
			return nil, err
		})
		b := start(func(...any) (any, error) {
			must(root.Switch())
			return nil, fault
		})
		must(a.Switch())
		must(b.Switch())
		if err := b.SetParent(a); err != nil {
			t.Fatal(err)
		}
		v, err := b.Switch()
		is(t, v, err, nil, fault)
		tr.Expect(t, "a")
		if !a.Dead() || !b.Dead() {
			t.Error("both have to be dead")
		}
	})
}

// caught returns what f panics with, or nil.
func caught(f func()) (v any) {
	defer func() { v = recover() }()
	f()
	return nil
}
