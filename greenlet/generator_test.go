package greenlet_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/asyncgo/asyncgo/greenlet"
)

func counter(tr *trace, n int) *greenlet.Generator[struct{}, int] {
	return greenlet.NewGenerator(func(yield func(int) (struct{}, error)) error {
		for i := range n {
			tr.Add("%d", i)
			if _, err := yield(i); err != nil {
				return err
			}
		}
		return nil
	})
}

func TestGenerator(t *testing.T) {
	t.Run("D14 D15 producer and consumer go in lock-step", func(t *testing.T) {
		var tr trace
		for range 3 {
			for v := range counter(&tr, 5).All() {
				tr.Add("%d", v)
			}
		}
		const once = "0 0 1 1 2 2 3 3 4 4"
		tr.Expect(t, once+" "+once+" "+once)
		greenlet.VerifyNone(t)
	})

	t.Run("D16 a generator inside another one yields to the outer consumer", func(t *testing.T) {
		outer := greenlet.NewGenerator(func(yield func(int) (struct{}, error)) error {
			inner := greenlet.NewGenerator(func(own func(int) (struct{}, error)) error {
				for i := 1; i <= 4; i++ {
					if _, err := yield(i); err != nil { // to the outer consumer
						return err
					}
					if _, err := own(i * i); err != nil {
						return err
					}
				}
				return nil
			})
			for v := range inner.All() {
				if _, err := yield(v); err != nil {
					return err
				}
			}
			return inner.Err()
		})
		if got := slices.Collect(outer.All()); fmt.Sprint(got) != "[1 1 2 4 3 9 4 16]" || outer.Err() != nil {
			t.Errorf("the values are %v, the error %v", got, outer.Err())
		}
		greenlet.VerifyNone(t)
	})

	t.Run("D17 recursive generators and two at a time", func(t *testing.T) {
		type ints = func([]int) (struct{}, error)
		var permutations func(items []int) *greenlet.Generator[struct{}, []int]
		permutations = func(items []int) *greenlet.Generator[struct{}, []int] {
			return greenlet.NewGenerator(func(yield ints) error {
				if len(items) == 0 {
					_, err := yield(nil)
					return err
				}
				for i, x := range items {
					for p := range permutations(slices.Delete(slices.Clone(items), i, i+1)).All() {
						if _, err := yield(append([]int{x}, p...)); err != nil {
							return err
						}
					}
				}
				return nil
			})
		}
		if n := len(slices.Collect(permutations([]int{1, 2, 3, 4}).All())); n != 24 {
			t.Errorf("there are %d permutations of 4", n)
		}
		var tr trace
		a, b := counter(&tr, 3), counter(&tr, 3)
		for {
			x, errA := a.Next()
			y, errB := b.Next()
			if errA != errB || x != y {
				t.Errorf("they differ: %d %v, %d %v", x, errA, y, errB)
			}
			if errA != nil {
				break
			}
		}
		greenlet.VerifyNone(t)
	})

	t.Run("D18 yield outside of the generator is an error", func(t *testing.T) {
		var yield func(int) (int, error)
		gen := greenlet.NewGenerator(func(y func(int) (int, error)) error {
			yield = y
			_, err := y(1)
			return err
		})
		if v, err := gen.Next(); v != 1 || err != nil {
			t.Fatal(v, err)
		}
		if _, err := yield(2); err != greenlet.ErrGeneratorState {
			t.Errorf("the error is %v", err)
		}
		if err := gen.Close(); err != nil {
			t.Error(err)
		}
	})

	averager := func() *greenlet.Generator[float64, float64] {
		return greenlet.NewGenerator(func(yield func(float64) (float64, error)) error {
			var sum, n, average float64
			for {
				v, err := yield(average)
				if errors.Is(err, errFault) {
					sum, n, average = 0, 0, 0
					continue
				}
				if err != nil {
					return err
				}
				sum += v
				n++
				average = sum / n
			}
		})
	}

	t.Run("values are sent and errors thrown at the yield", func(t *testing.T) {
		gen := averager()
		if _, err := gen.Send(1); err != greenlet.ErrGeneratorState {
			t.Errorf("sending to one that has not started is %v", err)
		}
		gen.Next()
		for i, want := range []float64{10, 15, 20} {
			if v, err := gen.Send(float64(10 * (i + 1))); v != want || err != nil {
				t.Errorf("the average is %v, the error %v", v, err)
			}
		}
		if v, err := gen.Throw(errFault); v != 0 || err != nil {
			t.Errorf("after the throw it yields %v and %v", v, err)
		}
		if v, _ := gen.Send(7); v != 7 {
			t.Errorf("the average is %v", v)
		}
		if _, err := gen.Throw(errOther); err != errOther || gen.Err() != errOther {
			t.Errorf("the error is %v, %v", err, gen.Err())
		}
		for range 2 {
			if _, err := gen.Next(); err != greenlet.ErrStop {
				t.Errorf("after the end Next returns %v", err)
			}
		}
		if _, err := gen.Throw(errFault); err != errFault {
			t.Errorf("after the end Throw returns %v", err)
		}
	})

	t.Run("closing ends the body where it stands", func(t *testing.T) {
		gen := averager()
		gen.Next()
		if err := gen.Close(); err != nil {
			t.Errorf("the error is %v", err)
		}
		if _, err := gen.Next(); err != greenlet.ErrStop {
			t.Errorf("after Close, Next returns %v", err)
		}
		if err := gen.Close(); err != nil {
			t.Errorf("the second Close returns %v", err)
		}
		fresh := greenlet.NewGenerator(func(func(int) (int, error)) error { t.Error("it ran"); return nil })
		if err := fresh.Close(); err != nil {
			t.Errorf("the error is %v", err)
		}
		if _, err := fresh.Next(); err != greenlet.ErrStop {
			t.Errorf("Next returns %v", err)
		}
		thrown := greenlet.NewGenerator(func(func(int) (int, error)) error { t.Error("it ran"); return nil })
		if _, err := thrown.Throw(nil); err != greenlet.ErrExit {
			t.Errorf("Throw returns %v", err)
		}
		faulty := greenlet.NewGenerator(func(yield func(int) (int, error)) error {
			yield(1)
			return errFault
		})
		faulty.Next()
		if err := faulty.Close(); err != errFault {
			t.Errorf("the error is %v", err)
		}
		greenlet.VerifyNone(t)
	})

	t.Run("a body that yields after Close is told off, and can be closed again", func(t *testing.T) {
		gen := greenlet.NewGenerator(func(yield func(int) (int, error)) error {
			yield(1)
			yield(2)
			return nil
		})
		gen.Next()
		if err := gen.Close(); err != greenlet.ErrGeneratorState {
			t.Errorf("the error is %v", err)
		}
		if err := gen.Close(); err != nil {
			t.Errorf("the second Close returns %v", err)
		}
		greenlet.VerifyNone(t)
	})

	t.Run("a generator that asks itself gets an error, and a panic is one too", func(t *testing.T) {
		var gen *greenlet.Generator[int, int]
		gen = greenlet.NewGenerator(func(yield func(int) (int, error)) error {
			if _, err := gen.Next(); err != greenlet.ErrGeneratorState {
				t.Errorf("the error is %v", err)
			}
			panic(errFault)
		})
		if _, err := gen.Next(); !errors.Is(err, errFault) {
			t.Errorf("the error is %v", err)
		}
	})

	t.Run("leaving the loop closes the generator", func(t *testing.T) {
		var tr trace
		for v := range counter(&tr, 100).All() {
			if v == 2 {
				break
			}
		}
		greenlet.VerifyNone(t)
	})

	t.Run("a generator belongs to its goroutine", func(t *testing.T) {
		gen := averager()
		gen.Next()
		done := make(chan struct{})
		go func() {
			defer close(done)
			if _, err := gen.Next(); err != greenlet.ErrOtherThread {
				t.Errorf("the error is %v", err)
			}
		}()
		<-done
		gen.Close()
	})

	t.Run("a nil body is refused", func(t *testing.T) {
		if p := caught(func() { greenlet.NewGenerator[int, int](nil) }); p != "greenlet: NewGenerator was called with a nil function" {
			t.Errorf("it panics with %v", p)
		}
	})
}
