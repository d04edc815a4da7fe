package promise_test

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"

	_ "github.com/asyncgo/asyncgo/future" // which spells the errors
	"github.com/asyncgo/asyncgo/internal/loop"
	"github.com/asyncgo/asyncgo/internal/promise"
	"github.com/asyncgo/asyncgo/internal/witness"
)

func TestMain(m *testing.M) { witness.Main(m) }

// refusing is an owner that is done already.
type refusing struct{ asked *loop.Cause }

func (r *refusing) CancelWaited(c *loop.Cause) bool {
	r.asked = c
	return false
}

func TestPromise(t *testing.T) {
	t.Run("the first of a hundred goroutines completes it, and everybody sees its outcome", func(t *testing.T) {
		var p promise.Promise[int]
		var won atomic.Int64
		var wg sync.WaitGroup
		for i := range 100 {
			wg.Go(func() {
				if p.Complete(i, nil, false) {
					won.Add(1)
				}
			})
			wg.Go(func() {
				v, err := p.Await(context.Background())
				if w, _ := p.Outcome(); err != nil || v != w {
					t.Errorf("Await has returned %d, %v, and the outcome is %d", v, err, w)
				}
			})
		}
		wg.Wait()
		if won.Load() != 1 {
			t.Errorf("%d have completed it", won.Load())
		}
	})

	t.Run("a cancellation goes to the owner, in the words of whoever asks", func(t *testing.T) {
		var p promise.Promise[int]
		r := &refusing{}
		p.Bind(nil, &loop.Owner{Canceller: r})
		c := loop.Spell.Cancel([]string{"enough"})
		if p.CancelWaited(c) || r.asked != c || !p.Pending() {
			t.Errorf("the owner was asked with %v, and the promise is pending: %v", r.asked, p.Pending())
		}
	})

	t.Run("without an owner a cancellation ends it", func(t *testing.T) {
		var p promise.Promise[int]
		if !p.CancelWaited(loop.Spell.Cancel(nil)) || !errors.Is(p.Err(), context.Canceled) {
			t.Errorf("the error is %v", p.Err())
		}
		if p.CancelWaited(loop.Spell.Cancel(nil)) {
			t.Error("it was cancelled twice")
		}
	})

	t.Run("a long or multi-line outcome is described in one short line", func(t *testing.T) {
		var p promise.Promise[string]
		p.Complete("", errors.New("first line\nsecond line"), false)
		if got, want := p.String(), "Future(finished, error: first line)"; got != want {
			t.Errorf("%q, not %q", got, want)
		}
	})
}
