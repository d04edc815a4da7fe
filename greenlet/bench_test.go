package greenlet_test

import (
	"testing"

	"github.com/asyncgo/asyncgo/greenlet"
)

// One operation is a switch to a greenlet and back.
func BenchmarkRoundTrip(b *testing.B) {
	b.ReportAllocs()
	root := greenlet.Current()
	g := greenlet.New(func(...any) (any, error) {
		for {
			if _, err := root.Switch(); err != nil {
				return nil, err
			}
		}
	})
	g.Switch()
	for b.Loop() {
		g.Switch()
	}
	g.Kill()
}

// One operation is a switch from one child to another and back.
func BenchmarkSiblings(b *testing.B) {
	b.ReportAllocs()
	var one, two *greenlet.Greenlet
	two = greenlet.New(func(...any) (any, error) {
		for {
			if _, err := one.Switch(); err != nil {
				return nil, err
			}
		}
	})
	one = greenlet.New(func(...any) (any, error) {
		for b.Loop() {
			if _, err := two.Switch(); err != nil {
				return nil, err
			}
		}
		return nil, nil
	})
	one.Switch()
	two.Kill()
}

// One operation is the whole life of a greenlet.
func BenchmarkLife(b *testing.B) {
	b.ReportAllocs()
	run := func(...any) (any, error) { return nil, nil }
	for b.Loop() {
		greenlet.New(run).Switch()
	}
}

// One operation is a value to a generator and one from it.
func BenchmarkGenerator(b *testing.B) {
	b.ReportAllocs()
	gen := greenlet.NewGenerator(func(yield func(int) (int, error)) error {
		x := 0
		for {
			var err error
			if x, err = yield(x + 1); err != nil {
				return err
			}
		}
	})
	gen.Next()
	for i := 0; b.Loop(); i++ {
		gen.Send(i)
	}
	gen.Close()
}
