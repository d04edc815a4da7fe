package coro_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/asyncgo/asyncgo/internal/coro"
	"github.com/asyncgo/asyncgo/internal/witness"
)

// mixtures returns all ways to give n players one of two carriers, but not the same to
// all, and a name for each.
func mixtures(t testing.TB, n int) (mixed [][]maker, names []string) {
	makers := bothCarriers(t)
	for mask := 1; mask < 1<<n-1; mask++ {
		var group []maker
		name := ""
		for i := range n {
			group = append(group, makers[mask>>i&1])
			name += string("rc"[mask>>i&1])
		}
		mixed, names = append(mixed, group), append(names, name)
	}
	return mixed, names
}

// onMixtures runs a test against all mixtures of n players. The letters in the names
// of the subtests stand for the runtime carrier and the channel carrier.
func onMixtures(t *testing.T, name string, n int, test func(t *testing.T, makers []maker)) {
	t.Helper()
	t.Run(name, func(t *testing.T) {
		witness.NoLeaks(t)
		mixed, names := mixtures(t, n)
		for i, makers := range mixed {
			t.Run("with "+names[i], func(t *testing.T) { test(t, makers) })
		}
	})
}

func TestMixed(t *testing.T) {
	onMixtures(t, "control goes along every path", 4, func(t *testing.T, makers []maker) {
		length := 5
		if raceEnabled {
			length = 4 // Under the detector a path costs ten times as much.
		}
		n := len(makers)
		for path := range pow(n, length) {
			s := newScript(makers)
			at := 0
			for range length {
				// The next one is any but the one who is there.
				at = (at + 1 + path%n) % (n + 1)
				path /= n
				s.then(move{verb: switchTo, to: at})
			}
			if !s.play(t) {
				return
			}
		}
	})

	onMixtures(t, "whoever is parked where, the successor runs", 3, everyEnd)

	onMixtures(t, "anyone unwinds anyone", 3, func(t *testing.T, makers []maker) {
		n := len(makers)
		for started := range n + 1 {
			for _, arrangement := range permutations(1, started) {
				for unwinder := range n + 1 {
					for victim := 1; victim <= n; victim++ {
						if unwinder == victim {
							continue
						}
						for _, act := range []verb{doNothing, endByPanic, suspend, unwind} {
							s := newScript(makers)
							s.arrange(arrangement)
							if unwinder != 0 {
								s.then(move{verb: switchTo, to: unwinder})
							}
							s.then(move{verb: unwind, to: victim, lastAct: act})
							if unwinder != 0 {
								s.then(move{verb: endByReturn, to: 0})
							}
							if !s.play(t) {
								return
							}
						}
					}
				}
			}
		}
	})

	onMixtures(t, "everyone resumes the next and is suspended to", 4, func(t *testing.T, makers []maker) {
		for _, order := range permutations(1, len(makers)) {
			s := newScript(makers)
			for range 2 {
				for _, i := range order {
					s.then(move{verb: resume, to: i})
				}
				for range order {
					s.then(move{verb: suspend})
				}
			}
			if !s.play(t) {
				return
			}
		}
	})

	t.Run("a thousand bodies of alternating carriers are one inside the other", func(t *testing.T) {
		root := enter(t)
		makers := bothCarriers(t)
		for _, e := range ends {
			const depth = 1000
			var levels []int
			var open func(level int) *coro.Routine
			open = func(level int) *coro.Routine {
				return makers[level%2](func(r *coro.Routine) {
					defer func() { levels = append(levels, level) }()
					if level < depth {
						inner := open(level + 1)
						r.Resume(inner)
						r.Suspend()
						r.Resume(inner)
						if !inner.Ended() {
							t.Errorf("level %d goes on before level %d has ended", level, level+1)
						}
					} else {
						r.Suspend()
					}
					e.end()
				})
			}
			outer := open(1)
			root.Resume(outer)
			root.Resume(outer)
			want := make([]int, 0, depth)
			for level := depth; level > 0; level-- {
				want = append(want, level)
			}
			if !slices.Equal(levels, want) {
				t.Errorf("after %s the levels end in the order %v", e.name, levels)
			}
		}
	})

	t.Run("drivers take turns with a group of both carriers", func(t *testing.T) {
		root := enter(t)
		makers := bothCarriers(t)
		for first := range 2 {
			var tr trace
			var driver, a, b *coro.Routine
			a = makers[first](func(r *coro.Routine) {
				for {
					tr.Add("a")
					r.Switch(b)
				}
			})
			b = makers[1-first](func(r *coro.Routine) {
				for {
					tr.Add("b")
					r.Switch(driver)
				}
			})
			for i := range 20 {
				done := make(chan struct{})
				go func() {
					defer close(done)
					driver = coro.Root()
					defer driver.Leave()
					driver.Switch(a)
					tr.Add("%d", i)
				}()
				<-done
				tr.Expect(t, fmt.Sprint("a b ", i))
			}
			root.Unwind(b)
			root.Unwind(a)
		}
	})
}

func pow(base, exponent int) int {
	n := 1
	for range exponent {
		n *= base
	}
	return n
}
