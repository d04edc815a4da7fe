package greenlet_test

import (
	"errors"
	"maps"
	"slices"
	"testing"

	"github.com/asyncgo/asyncgo/future"
	"github.com/asyncgo/asyncgo/greenlet"
	"github.com/asyncgo/asyncgo/internal/pytrace"
	"github.com/asyncgo/asyncgo/internal/witness"
)

// The traces under testdata/traces are what Python prints for small scripts with greenlet. A port is such a
// script in Go, statement by statement, and has to print the same lines in the same order.
var ports = []port{
	{"01_switch_values", trace01, []pytrace.Deviation{
		{Line: 3, Python: "a resumed with ()", Ours: "a resumed with None", Why: "A Switch without arguments sends nil."},
	}},
	{"02_parent_return", trace02, nil},
	{"04_exception_to_parent", trace04, nil},
	{"06_throw_into_suspended", trace06, []pytrace.Deviation{
		{Line: 9, Python: "TypeError exceptions must be classes, or instances, not str", Why: compilersJob},
		{Line: 10, Python: "TypeError exceptions must be classes, or instances, not int", Why: compilersJob},
	}},
	{"08_throw_and_switch_self", trace08, []pytrace.Deviation{
		{Line: 1, Python: "switch to self returns its args: () 5 (1, 2)", Ours: "switch to self returns its args: None 5 (1, 2)", Why: "A Switch without arguments sends nil."},
	}},
	{"10_parent_rules", trace10, []pytrace.Deviation{
		{Line: 5, Python: "AttributeError | can't delete attribute", Why: compilersJob},
		{Line: 6, Python: "TypeError for NoneType", Ours: "greenlet: SetParent was called with a nil Greenlet", Why: "A nil Greenlet is misuse, which panics."},
		{Line: 7, Python: "TypeError for int", Why: compilersJob},
		{Line: 8, Python: "TypeError for str", Why: compilersJob},
	}},
	{"12_generator_on_greenlets", trace12, nil},
	{"14_settrace_error", trace14, nil},
	{"16_gc_exit", trace16, nil},
	{"20_round_robin", trace20, nil},
}

// withoutPort are the traces of what Go does not have. docs/greenlet.md says why.
var withoutPort = map[string]string{
	"18_exc_info_isolated": "Go has no exception that is being handled: an error is a value, and a greenlet sees those that it is given.",
}

const compilersJob = "That is the compiler's job."

type port struct {
	name       string
	run        func(p *printer)
	deviations []pytrace.Deviation
}

func TestTrace(t *testing.T) {
	for _, p := range ports {
		t.Run(p.name, func(t *testing.T) {
			want := pytrace.Want(t, p.name, p.deviations)
			var out printer
			p.run(&out)
			witness.Compare(t, out.Lines(), want)
			greenlet.VerifyNone(t)
		})
	}
}

func TestTracesArePorted(t *testing.T) {
	names := slices.Collect(maps.Keys(withoutPort))
	for _, p := range ports {
		names = append(names, p.name)
	}
	pytrace.Ported(t, names)
}

// A printer prints as Python does.
type printer struct{ pytrace.Printer }

func (p *printer) println(args ...any) { p.Print(repr, args...) }

// A list is printed in square brackets, a slice of several arguments in round ones.
type list []any

// A kw is keyword arguments.
type kw map[string]any

// A pyError is an exception.
type pyError struct {
	class, arg string
	is         error
}

func (e *pyError) Error() string { return e.arg }
func (e *pyError) Unwrap() error { return e.is }

// repr is Python's repr.
func repr(v any) string { return pytrace.Repr(v, special) }

func special(v any) (string, bool) {
	switch v := v.(type) {
	case []any:
		return repr(pytrace.Tuple(v)), true
	case kw:
		for k, x := range v {
			return "{'" + k + "': " + repr(x) + "}", true
		}
	case *pyError:
		return v.class + "('" + v.arg + "')", true
	case *future.PanicError:
		return repr(v.Value), true
	case *greenlet.Greenlet:
		if v == nil {
			return "None", true
		}
	}
	return "", false
}

// raised returns the exception of a class that err is, or nil.
func raised(err error, class string) *pyError {
	var e *pyError
	if errors.As(err, &e) && e.class == class {
		return e
	}
	return nil
}

func trace01(p *printer) {
	main := greenlet.Current()
	g := greenlet.New(func(args ...any) (any, error) {
		p.println("a starts with", args[0], args[1], args[2])
		got := must(main.Switch("a1"))
		for {
			if s, ok := got.(string); ok && s == "stop" {
				return "a-done", nil
			}
			p.println("a resumed with", repr(got))
			got = must(main.Switch("again"))
		}
	})
	p.println("main got", repr(must(g.Switch(1, 2, kw{"k": 3}))))
	p.println("main got", repr(must(g.Switch())))
	p.println("main got", repr(must(g.Switch("one"))))
	p.println("main got", repr(must(g.Switch("one", "two"))))
	p.println("main got", repr(must(g.Switch(kw{"k": "v"}))))
	p.println("main got", repr(must(g.Switch([]any{"p"}, kw{"k": "v"}))))
	p.println("main got", repr(must(g.Switch(nil))))
	p.println("main got", repr(must(g.Switch([]any{"tup"}))))
	p.println("main got", repr(must(g.Switch("stop"))), "dead", g.Dead())
}

func trace02(p *printer) {
	var a *greenlet.Greenlet
	b := greenlet.New(func(...any) (any, error) {
		p.println("b: switching to a")
		v, err := a.Switch("from b")
		if err == nil {
			p.println("b: never resumed", v)
		}
		return nil, err
	})
	a = greenlet.New(func(args ...any) (any, error) {
		p.println("a got", args[0])
		return "a-result", nil
	})
	p.println("main got", must(b.Switch()))
	p.println("a dead", a.Dead(), "b dead", b.Dead())
	b.Kill()
}

func trace04(p *printer) {
	var log list
	o := greenlet.New(func(...any) (any, error) {
		_, err := parent().Switch("outer ready")
		if e := raised(err, "KeyError"); e != nil {
			log = append(log, []any{"outer saw", repr(e)})
			return nil, &pyError{class: "ValueError", arg: "re-raised"}
		}
		return nil, err
	})
	p.println(must(o.Switch()))
	i := greenlet.New(func(...any) (any, error) {
		return nil, &pyError{class: "KeyError", arg: "k"}
	}, greenlet.Parent(o))
	if _, err := i.Switch(); raised(err, "ValueError") != nil {
		log = append(log, []any{"main saw", repr(err)})
	}
	p.println(log, i.Dead(), o.Dead())
}

func trace06(p *printer) {
	main := greenlet.Current()
	f := func(...any) (any, error) {
		_, err := main.Switch("ready")
		if e := raised(err, "RuntimeError"); e != nil {
			r, err := main.Switch("caught " + e.arg)
			if err != nil {
				return nil, err
			}
			p.println("f resumed with", r)
		} else if err != nil {
			return nil, err
		}
		return "end", nil
	}
	g := greenlet.New(f)
	p.println(must(g.Switch()))
	p.println(must(g.Throw(&pyError{class: "RuntimeError", arg: "ciao"})))
	p.println(must(g.Switch("go on")), g.Dead())
	g = greenlet.New(f)
	g.Switch()
	p.println(must(g.Throw(&pyError{class: "RuntimeError", arg: "inst"})))
	g.Kill()
	g = greenlet.New(f)
	g.Switch()
	if _, err := g.Throw(&pyError{class: "IndexError", arg: "not caught"}); raised(err, "IndexError") != nil {
		p.println("uncaught ->", repr(err), g.Dead())
	}
	g = greenlet.New(f)
	g.Switch()
	p.println("GreenletExit uncaught is RETURNED:", repr(must(g.Throw(&pyError{"GreenletExit", "bye", greenlet.ErrExit}))), g.Dead())
	g = greenlet.New(func(...any) (any, error) {
		if _, err := main.Switch(); errors.Is(err, greenlet.ErrExit) {
			return "swallowed", nil
		}
		return nil, nil
	})
	g.Switch()
	p.println(must(g.Throw(nil)))
}

func trace08(p *printer) {
	self := greenlet.Current()
	p.println("switch to self returns its args:", repr(must(self.Switch())), repr(must(self.Switch(5))), repr(must(self.Switch(1, 2))))
	if _, err := self.Throw(&pyError{class: "ValueError", arg: "self"}); err != nil {
		p.println("throw into self raises here:", repr(err))
	}
	p.println(must(greenlet.New(func(...any) (any, error) {
		if _, err := greenlet.Current().Throw(&pyError{class: "KeyError", arg: "in g"}); err != nil {
			p.println("g caught its own", repr(err))
		}
		return "done", nil
	}).Switch()))
}

func trace10(p *printer) {
	main := greenlet.Current()
	f := func(...any) (any, error) { return nil, nil }
	g1, g2, g3 := greenlet.New(f), greenlet.New(f), greenlet.New(f)
	p.println("default parent is creator:", g1.Parent() == main, "; parent=None also:", greenlet.New(f, greenlet.Parent(nil)).Parent() == main)
	t := func(err error) {
		switch err {
		case nil:
			p.println("ok")
		case greenlet.ErrCycle:
			p.println("ValueError | cyclic parent chain")
		case greenlet.ErrRootParent:
			p.println("AttributeError | cannot set the parent of a main greenlet")
		}
	}
	t(g1.SetParent(g1))
	g1.SetParent(g2)
	g2.SetParent(g3)
	t(g3.SetParent(g1))
	t(main.SetParent(g1))
	p.println(caught(func() { g1.SetParent(nil) }).(string))
	p.println("main.parent", main.Parent())
}

func trace12(p *printer) {
	count := func(n int) *greenlet.Generator[any, int] {
		return greenlet.NewGenerator(func(yield func(int) (any, error)) error {
			deep := func(i int) error {
				_, err := yield(i * 10)
				return err
			}
			for i := range n {
				p.println("produce", i)
				if err := deep(i); err != nil {
					return err
				}
			}
			return nil
		})
	}
	for v := range count(3).All() {
		p.println("consume", v)
	}
	var zip list
	a, b := count(2), count(2)
	for {
		x, err := a.Next()
		if err != nil {
			break
		}
		y, err := b.Next()
		if err != nil {
			break
		}
		zip = append(zip, []any{x, y})
	}
	b.Close()
	p.println(zip)
	var tree func(n int) *greenlet.Generator[any, int]
	tree = func(n int) *greenlet.Generator[any, int] {
		return greenlet.NewGenerator(func(yield func(int) (any, error)) error {
			if n == 0 {
				return nil
			}
			for x := range tree(n - 1).All() {
				yield(x)
			}
			yield(n)
			for x := range tree(n - 1).All() {
				yield(x)
			}
			return nil
		})
	}
	var all list
	for x := range tree(3).All() {
		all = append(all, x)
	}
	p.println(all)
}

func trace14(p *printer) {
	main := greenlet.Current()
	g := greenlet.New(func(...any) (any, error) {
		_, err := main.Switch("parked")
		if e := raised(err, "ZeroDivisionError"); e != nil {
			p.println("target saw", repr(e))
			return "handled", nil
		}
		return nil, err
	})
	p.println(must(g.Switch()))
	var calls list
	greenlet.SetTrace(func(event greenlet.Event, _, _ *greenlet.Greenlet) {
		calls = append(calls, string(event))
		panic(error(&pyError{class: "ZeroDivisionError", arg: "tracer"}))
	})
	v := must(g.Switch())
	var tracer any
	if greenlet.SetTrace(nil) != nil {
		tracer = "set"
	}
	p.println(v, calls, "gettrace", tracer)
}

// Nothing happens when the last reference to a greenlet is dropped. Kill stands for del.
func trace16(p *printer) {
	main := greenlet.Current()
	g := greenlet.New(func(args ...any) (any, error) {
		tag := args[0]
		defer p.println(tag, "finally")
		_, err := parent().Switch()
		if errors.Is(err, greenlet.ErrExit) {
			p.println(tag, "GreenletExit; parent now is the deleting greenlet:", parent() == main)
		}
		return nil, nil
	})
	g.Switch("A")
	p.println("before del")
	g.Kill()
	p.println("after del")
	g = greenlet.New(func(...any) (any, error) {
		parent().Switch()
		return nil, &pyError{class: "ValueError", arg: "during kill"}
	})
	g.Switch()
	if err := g.Kill(); err != nil {
		p.println("unraisable", repr(err))
	}
	p.println("main goes on")
	g = greenlet.New(func(...any) (any, error) {
		if _, err := parent().Switch(); errors.Is(err, greenlet.ErrExit) {
			parent().Switch("resurrected")
		}
		return "later end", nil
	})
	g.Switch()
	g.Kill()
	alive := !g.Dead()
	v := must(g.Switch())
	p.println("resurrected:", alive, v, g.Dead())
}

func trace20(p *printer) {
	var log list
	next := map[string]*greenlet.Greenlet{}
	body := func(name string) func(...any) (any, error) {
		return func(...any) (any, error) {
			for _, v := range []string{name, name + "2"} {
				got, err := next[name].Switch(v)
				if err != nil {
					return nil, err
				}
				log = append(log, []any{name, got})
			}
			return name + " end", nil
		}
	}
	a, b, c := greenlet.New(body("a")), greenlet.New(body("b")), greenlet.New(body("c"))
	next["a"], next["b"], next["c"] = b, c, a
	p.println("main got", must(a.Switch("go")))
	p.println(log, "dead", a.Dead(), b.Dead(), c.Dead())
	b.Kill()
	c.Kill()
}
