package async_test

import (
	"context"
	"runtime"
	"testing"
	"weak"

	"github.com/asyncgo/asyncgo/async"
	"github.com/asyncgo/asyncgo/future"
)

// freed reports whether the collector finds that nothing holds what p points to.
func freed[T any](p weak.Pointer[T]) bool {
	for range 20 {
		if runtime.GC(); p.Value() == nil {
			return true
		}
		runtime.Gosched() // a goroutine that was unwound may not be quite over
	}
	return false
}

func TestUnwoundTasks(t *testing.T) {
	for name, opts := range map[string][]async.Option{"": nil, " beside the loop": {async.Parallel(2)}} {
		t.Run("a future that outlives the loop does not hold the task that was unwound while it waited for it"+name, func(t *testing.T) {
			type load [1 << 16]byte
			f := future.New[int]()
			held := func() weak.Pointer[load] {
				what := new(load)
				l := async.NewLoop(opts...)
				async.Go(l.Context(), func(ctx context.Context) error {
					_, err := f.Await(ctx)
					runtime.KeepAlive(what)
					return err
				})
				if _, err := async.RunUntilComplete(l, async.Coroutine[async.Void](func(ctx context.Context) (async.Void, error) {
					for !f.Completion().Awaited() {
						giveWay(ctx)
					}
					return async.Void{}, nil
				})); err != nil {
					t.Error(err)
				}
				if err := l.Close(); err != nil {
					t.Error(err)
				}
				return weak.Make(what)
			}()
			if f.Completion().Awaited() {
				t.Error("the future is still awaited")
			}
			if !freed(held) {
				t.Error("what the task holds was not freed")
			}
			runtime.KeepAlive(f)
		})
	}
}
