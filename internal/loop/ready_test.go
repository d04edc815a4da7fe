package loop_test

import (
	"context"
	"sync"
	"testing"

	"github.com/asyncgo/asyncgo/internal/loop"
)

func TestReadyQueue(t *testing.T) {
	t.Run("what one goroutine posts keeps its order, also if it comes in while the inbox is being emptied", func(t *testing.T) {
		inTask(t, loop.NewReal(), func(ctx context.Context, l *loop.Loop) {
			var r record
			soon := func(name string) { loop.NewHandle(l, func() { r.add("%s", name) }).Soon() }
			emptying, posted := make(chan struct{}), make(chan struct{})
			var poster sync.WaitGroup
			first := make(chan struct{})
			poster.Go(func() {
				l.Do(func() { // when it comes in, it has the next one posted and then uses the queue itself
					close(emptying)
					<-posted
					soon("x")
				})
				soon("a")
				close(first)
				<-emptying
				soon("b")
				close(posted)
			})
			<-first // The loop does not look at its inbox before this task waits.
			ticks(ctx, 3)
			poster.Wait()
			// Where the one from inside goes is not what this is about.
			var order record
			for _, name := range r {
				if name != "x" {
					order.add("%s", name)
				}
			}
			order.expect(t, "a b")
			if len(r) != 3 {
				t.Errorf("what ran is %v", r)
			}
		})
	})
}
