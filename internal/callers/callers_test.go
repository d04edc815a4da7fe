package callers_test

import (
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/asyncgo/asyncgo/internal/callers"
)

//go:noinline
func outer(depth int, pcs []uintptr) int {
	if depth == 0 {
		return inner(pcs)
	}
	return outer(depth-1, pcs) + 1
}

//go:noinline
func inner(pcs []uintptr) int {
	callers.Get(pcs)
	return 0
}

// names returns the functions that the addresses stand for, without the package.
func names(pcs []uintptr) (all []string) {
	frames := runtime.CallersFrames(pcs)
	for {
		f, more := frames.Next()
		all = append(all, f.Function[strings.LastIndex(f.Function, ".")+1:])
		if !more {
			return all
		}
	}
}

func TestGet(t *testing.T) {
	t.Run("names the callers, innermost first", func(t *testing.T) {
		var pcs [6]uintptr
		outer(2, pcs[:])
		got := names(pcs[:])
		if i := slices.Index(got, "outer"); i < 0 || i > 2 || !slices.Equal(got[i:i+3], []string{"outer", "outer", "outer"}) {
			t.Errorf("got %v, want three times outer near the beginning", got)
		}
	})
	t.Run("stops at the end of the stack", func(t *testing.T) {
		var pcs [64]uintptr
		var wg sync.WaitGroup
		wg.Add(1)
		go func() {
			defer wg.Done()
			outer(3, pcs[:])
		}()
		wg.Wait()
		used := slices.Index(pcs[:], 0)
		if used < 5 || used > 8 {
			t.Errorf("%d frames, want about six: %v", used, names(pcs[:]))
		}
	})
	t.Run("fills what there is, and no more", func(t *testing.T) {
		var pcs [3]uintptr
		outer(5, pcs[:2])
		if pcs[1] == 0 || pcs[2] != 0 {
			t.Errorf("got %v, want two addresses", pcs)
		}
		callers.Get(nil)
	})
	t.Run("survives a stack that grows and moves", func(t *testing.T) {
		for depth := 1; depth < 5000; depth *= 2 {
			done := make(chan []string)
			go func() {
				var pcs [6]uintptr
				outer(depth, pcs[:])
				done <- names(pcs[:])
			}()
			if got := <-done; !slices.Contains(got, "outer") {
				t.Errorf("at depth %d: %v", depth, got)
			}
		}
	})
}

func BenchmarkGet(b *testing.B) {
	var pcs [5]uintptr
	for b.Loop() {
		outer(3, pcs[:])
	}
}
