package loop_test

import (
	"context"
	"testing"

	"github.com/asyncgo/asyncgo/internal/loop"
)

func TestFirst(t *testing.T) {
	// play runs first as a callback, in front of ten others, and returns what ran in order.
	play := func(t *testing.T, before int, first func(l *loop.Loop, say func(string) func())) (got string) {
		say := func(s string) func() { return func() { got += s } }
		inTask(t, loop.NewVirtual(), func(ctx context.Context, l *loop.Loop) {
			for range before {
				loop.NewHandle(l, say("-")).Soon()
			}
			loop.NewHandle(l, func() { first(l, say) }).Soon()
			loop.NewHandle(l, say("x")).Soon()
			loop.NewHandle(l, say("y")).Soon()
			for range 4 {
				if err := loop.Sleep(ctx, 0); err != nil {
					t.Error(err)
				}
			}
		})
		return got
	}
	push := func(l *loop.Loop, fn func()) { loop.NewHandle(l, fn).Soon() }
	for _, c := range []struct {
		name   string
		before int
		want   string
		first  func(l *loop.Loop, say func(string) func())
	}{
		{"what is made ready runs before the rest, in order", 0, "abxyz", func(l *loop.Loop, say func(string) func()) {
			push(l, say("z"))
			l.First(func() {
				push(l, say("a"))
				push(l, say("b"))
			})
		}},
		{"there is room if something has run before", 3, "---abxy", func(l *loop.Loop, say func(string) func()) {
			l.First(func() {
				push(l, say("a"))
				push(l, say("b"))
			})
		}},
		{"nothing changes nothing", 0, "xyz", func(l *loop.Loop, say func(string) func()) {
			push(l, say("z"))
			l.First(func() {})
		}},
		{"a callback hands over again and again", 0, "a1b2c3xy", func(l *loop.Loop, say func(string) func()) {
			var step func(i int)
			step = func(i int) {
				if i == 3 {
					return
				}
				l.First(func() {
					push(l, say(string(rune('a'+i))))
					push(l, func() { say(string(rune('1' + i)))(); step(i + 1) })
				})
			}
			step(0)
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := play(t, c.before, c.first); got != c.want {
				t.Errorf("it is %q and should be %q", got, c.want)
			}
		})
	}
}
