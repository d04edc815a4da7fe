package greenlet_test

import (
	"errors"
	"runtime"
	"testing"

	"github.com/asyncgo/asyncgo/future"
	"github.com/asyncgo/asyncgo/greenlet"
)

// echo yields what it is sent, beginning with first, and returns the error that is thrown at it.
func echo(first int) *greenlet.Generator[int, int] {
	return greenlet.NewGenerator(func(yield func(int) (int, error)) error {
		for x := first; ; {
			var err error
			if x, err = yield(x); err != nil {
				return err
			}
		}
	})
}

// gives fails t if a generator has not given v without an error.
func gives(t *testing.T, v int, err error, want int) {
	t.Helper()
	if v != want || err != nil {
		t.Errorf("the generator gives %v and %v, and should give %v", v, err, want)
	}
}

// What happens when others get hold of the greenlets that a generator is made of.
func TestGeneratorMeetsOthers(t *testing.T) {
	onEach(t, "whoever asks gets the value", func(t *testing.T, root *greenlet.Greenlet, start maker) {
		gen := echo(1)
		for i, want := range []int{1, 0, 0} { // Next sends the zero value.
			v, err := start(func(...any) (any, error) { return gen.Next() }).Switch()
			is(t, v, err, want, nil)
			sent, err := gen.Send(10 + i)
			gives(t, sent, err, 10+i)
		}
		if err := gen.Close(); err != nil {
			t.Error(err)
		}
	})

	t.Run("a killed body is the end", func(t *testing.T) {
		gen := echo(1)
		v, err := gen.Next()
		gives(t, v, err, 1)
		for _, g := range greenlet.All() {
			if err := g.Kill(); err != nil {
				t.Error(err)
			}
		}
		if _, err := gen.Send(2); err != greenlet.ErrStop {
			t.Errorf("Send returns %v", err)
		}
		if err := gen.Close(); err != nil {
			t.Errorf("Close returns %v", err)
		}
		greenlet.VerifyNone(t)
	})

	onEach(t, "when the one that has yielded is killed the body goes on", func(t *testing.T, _ *greenlet.Greenlet, start maker) {
		var tr trace
		var inner *greenlet.Greenlet
		gen := greenlet.NewGenerator(func(yield func(int) (int, error)) error {
			inner = start(func(...any) (any, error) { return yield(1) })
			v, err := inner.Switch()
			tr.Add("body %v %v", v, err)
			_, err = yield(2)
			return err
		})
		v, err := gen.Next()
		gives(t, v, err, 1)
		if err := inner.Kill(); err != nil {
			t.Error(err)
		}
		v, err = gen.Next()
		gives(t, v, err, 2)
		tr.Expect(t, "body <nil> <nil>")
		if err := gen.Close(); err != nil {
			t.Error(err)
		}
	})

	onEach(t, "a body is not made the child of its own child", func(t *testing.T, root *greenlet.Greenlet, start maker) {
		var tr trace
		var body *greenlet.Greenlet
		var gen *greenlet.Generator[int, int]
		gen = greenlet.NewGenerator(func(yield func(int) (int, error)) error {
			body = greenlet.Current()
			yield(1)
			child := start(func(...any) (any, error) {
				_, err := gen.Next() // It resumes the body, which stands in Switch below.
				tr.Add("child %v", err)
				return nil, errFault
			})
			_, err := child.Switch()
			tr.Add("body %v", err)
			v, err := root.Switch("out")
			tr.Add("body %v %v", v, err)
			_, err = child.Switch()
			tr.Add("body %v", err)
			return nil
		})
		v, err := gen.Next()
		gives(t, v, err, 1)
		w, err := body.Switch() // Nobody asks for a value meanwhile.
		is(t, w, err, "out", nil)
		w, err = body.Switch("in")
		is(t, w, err, nil, nil)
		tr.Expect(t, "body <nil> body in <nil> child "+greenlet.ErrGeneratorState.Error()+" body "+errFault.Error())
		if !body.Dead() {
			t.Error("the body has not ended")
		}
		if _, err := gen.Next(); err != greenlet.ErrStop {
			t.Errorf("Next returns %v", err)
		}
	})

	onEach(t, "a yield that somebody else wakes returns the zero value, or what is thrown", func(t *testing.T, root *greenlet.Greenlet, start maker) {
		var tr trace
		var body *greenlet.Greenlet
		gen := greenlet.NewGenerator(func(yield func(int) (int, error)) error {
			body = greenlet.Current()
			for {
				v, err := yield(1)
				tr.Add("%v %v", v, err)
				if _, err := yield(2); err != nil {
					tr.Add("%v", err == greenlet.ErrGeneratorState)
				}
				if _, err := root.Switch("woken"); err != nil {
					return err
				}
			}
		})
		v, err := gen.Next()
		gives(t, v, err, 1)
		w, err := start(func(...any) (any, error) { return body.Switch("lost") }).Switch()
		is(t, w, err, "woken", nil)
		tr.Expect(t, "0 <nil> true")
		v, err = gen.Send(3) // It goes on behind the Switch.
		gives(t, v, err, 1)
		w, err = body.Throw(errFault)
		is(t, w, err, "woken", nil)
		tr.Expect(t, "0 "+errFault.Error()+" true")
		for _, g := range greenlet.All() {
			if g.Kill() != nil {
				t.Errorf("%v was not killed", g)
			}
		}
	})

	t.Run("somebody else who wakes the consumer is an error", func(t *testing.T) {
		root := greenlet.Current()
		gen := greenlet.NewGenerator(func(yield func(int) (int, error)) error {
			if _, err := root.Throw(errFault); err != nil {
				return err
			}
			_, err := yield(1)
			return err
		})
		if _, err := gen.Next(); !errors.Is(err, greenlet.ErrGeneratorState) || !errors.Is(err, errFault) {
			t.Errorf("Next returns %v", err)
		}
		v, err := gen.Next() // The body still stands in its Throw.
		gives(t, v, err, 1)
		if err := gen.Close(); err != nil {
			t.Error(err)
		}
		greenlet.VerifyNone(t)
	})

	t.Run("a tracer sees each value pass, and its panic is not lost", func(t *testing.T) {
		var tr trace
		root := greenlet.Current()
		gen := echo(1)
		moves := 0
		greenlet.SetTrace(func(event greenlet.Event, origin, target *greenlet.Greenlet) {
			tr.Add("%s %v", event, target == root)
			if moves++; moves == 4 {
				panic("tracer")
			}
		})
		defer func() { greenlet.SetTrace(nil) }()
		v, err := gen.Next()
		gives(t, v, err, 1)
		v, err = gen.Send(2)
		var p *future.PanicError
		if v != 2 || !errors.As(err, &p) || p.Value != "tracer" {
			t.Errorf("Send returns %v and %v", v, err)
		}
		tr.Expect(t, "switch false switch true switch false switch true")
		v, err = gen.Send(3)
		gives(t, v, err, 3)
		if err := gen.Close(); err != nil {
			t.Error(err)
		}
	})

	t.Run("Goexit in the body ends the goroutine of the consumer", func(t *testing.T) {
		var tr trace
		done := make(chan struct{})
		go func() {
			defer close(done)
			defer tr.Add("consumer")
			gen := greenlet.NewGenerator(func(yield func(int) (int, error)) error {
				defer tr.Add("body")
				yield(1)
				runtime.Goexit()
				return nil
			})
			gen.Next()
			gen.Next()
			t.Error("Next returned")
		}()
		<-done
		tr.Expect(t, "body consumer")
		greenlet.VerifyNone(t)
	})
}
