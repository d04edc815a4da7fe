package loop_test

import (
	"context"
	"testing"
	"time"

	"github.com/asyncgo/asyncgo/internal/loop"
)

// A toldVirtual is a virtual clock that tells when the loop begins to wait.
type toldVirtual struct {
	*loop.Virtual
	waits chan struct{}
}

func (c toldVirtual) Wait(d time.Duration, wake <-chan struct{}, busy func() bool) bool {
	select {
	case c.waits <- struct{}{}:
	default:
	}
	return c.Virtual.Wait(d, wake, busy)
}

func TestVirtual(t *testing.T) {
	t.Run("it does not jump over a delivery that was there before the outside work was found to be over", func(t *testing.T) {
		// Outside work hands in its result first and is off the books then. Whoever finds it off the books has to look for the
		// result again.
		c := loop.NewVirtual()
		wake := make(chan struct{}, 1)
		overJustNow := func() bool {
			wake <- struct{}{}
			return false
		}
		if !c.Wait(time.Hour, wake, overJustNow) {
			t.Error("the delivery was not taken")
		}
		if c.Now() != 0 {
			t.Errorf("the clock has jumped to %v", c.Now())
		}
	})
	t.Run("it stands still while outside work is under way", func(t *testing.T) {
		c := toldVirtual{loop.NewVirtual(), make(chan struct{}, 1)}
		inTask(t, c, func(ctx context.Context, l *loop.Loop) {
			n := new(never)
			loop.NewHandle(l, func() {}).At(time.Hour) // something to jump to
			l.External(1)
			go func() {
				<-c.waits
				n.Begin()
				n.Commit(loop.Succeeded)
				l.External(-1)
			}()
			n.Wait(ctx, n)
			if l.Now() != 0 {
				t.Errorf("the clock has jumped to %v", l.Now())
			}
		})
	})
}
