package async_test

import (
	"context"
	"errors"
	"log/slog"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/asyncgo/asyncgo/async"
)

// lockedHandler is a slog.Handler that keeps the messages.
type lockedHandler struct {
	mu    sync.Mutex
	heard map[string]bool
}

func (h *lockedHandler) Handle(_ context.Context, r slog.Record) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.heard == nil {
		h.heard = map[string]bool{}
	}
	h.heard[r.Message] = true
	return nil
}

func (h *lockedHandler) Enabled(context.Context, slog.Level) bool { return true }
func (h *lockedHandler) WithAttrs([]slog.Attr) slog.Handler       { return h }
func (h *lockedHandler) WithGroup(string) slog.Handler            { return h }

// waitingHandler is a slog.Handler that says when it begins, and waits until it may end.
type waitingHandler struct{ begun, end chan struct{} }

func (h waitingHandler) Handle(context.Context, slog.Record) error {
	close(h.begun)
	<-h.end
	return nil
}

func (h waitingHandler) Enabled(context.Context, slog.Level) bool { return true }
func (h waitingHandler) WithAttrs([]slog.Attr) slog.Handler       { return h }
func (h waitingHandler) WithGroup(string) slog.Handler            { return h }

func TestParallelCallbacks(t *testing.T) {
	t.Run("callbacks run beside a task that computes, one after the other", inParallel(1, func(ctx context.Context, t *testing.T) {
		l := must(async.RunningLoop(ctx))
		done := make(chan int)
		count := 0
		for range 100 {
			l.CallSoon(func() { count++ })
		}
		l.CallLater(time.Millisecond, func() { done <- count })
		expectEqual(t, "the count", <-done, 100) // without a wait of the task
	}))
	t.Run("done callbacks of a task come in order, and see its variables", inParallel(2, func(ctx context.Context, t *testing.T) {
		v := async.NewContextVar("v", 0)
		v.Set(ctx, 3)
		var order chronicle
		task := async.CreateTask(ctx, async.After(0, 7))
		for i := range 3 {
			task.AddDoneCallback(func(f *async.Future[int]) { order.add("%d: %d, %d", i, must(f.Result()), v.Get(ctx)) })
		}
		last := async.NewFuture[int](ctx)
		task.AddDoneCallback(func(*async.Future[int]) { check(last.SetResult(1)) })
		_, err := last.Await(ctx)
		expectError(t, "the last", err, nil)
		order.expect(t, "0: 7, 3", "1: 7, 3", "2: 7, 3")
	}))
	t.Run("a callback cannot wait, and can start tasks", inParallel(2, func(ctx context.Context, t *testing.T) {
		l := must(async.RunningLoop(ctx))
		result := async.NewFuture[*async.Task[int]](ctx)
		l.CallSoon(func() {
			expectError(t, "Sleep", async.Sleep(l.Context(), 0), async.ErrNotInTask)
			if async.CurrentTask(ctx) != nil {
				t.Error("a callback is a task")
			}
			check(result.SetResult(async.CreateTask(l.Context(), async.After(0, 5), async.Eager())))
		})
		task, err := result.Await(ctx)
		expectError(t, "the future", err, nil)
		expectEqual(t, "the value", must(task.Await(ctx)), 5)
	}))
	t.Run("nothing that belongs to others runs where a task would wait for it", inParallel(0, func(ctx context.Context, t *testing.T) {
		// Each of these takes a mutex that a task holds while it calls the loop.
		var mu sync.Mutex
		n := 0
		for range 200 {
			l := must(async.RunningLoop(ctx))
			f := new(async.Future[int]) // of no loop: its callbacks run where it is cancelled
			f.AddDoneCallback(func(*async.Future[int]) { mu.Lock(); n++; mu.Unlock() })
			waits := async.CreateTask(ctx, f.Await)
			l.CallSoon(func() { mu.Lock(); n++; mu.Unlock() })
			other := async.CreateTask(ctx, func(context.Context) (int, error) {
				mu.Lock()
				defer mu.Unlock()
				waits.Cancel()
				async.AllTasks(ctx)
				l.CallLater(0, func() {})
				return 1, nil
			})
			mu.Lock()
			waits.Cancel()
			other.AddDoneCallback(func(*async.Future[int]) { mu.Lock(); n++; mu.Unlock() })
			mu.Unlock()
			async.GatherSettled[int](ctx, waits, other)
		}
	}))
	t.Run("a callback of a future of no loop runs where no task would wait for it, also if a cancellation in the loop completes the future", inParallel(0, func(ctx context.Context, t *testing.T) {
		l := must(async.RunningLoop(ctx))
		f := new(async.Future[int])
		called, looked := make(chan struct{}), make(chan struct{})
		f.AddDoneCallback(func(*async.Future[int]) { close(called); <-looked })
		waits := async.CreateTask(ctx, f.Await)
		looks := async.Go(ctx, func(context.Context) error {
			<-called
			async.Stats(l) // as everything that goes into the loop
			close(looked)
			return nil
		})
		for f.Completion().Waiting() < 2 { // the callback, and the task
			runtime.Gosched()
		}
		waits.Cancel()
		_, err := async.Gather(ctx, async.Awaitable[async.Void](looks))
		expectError(t, "the one who looks", err, nil)
		_, err = waits.Await(ctx)
		expectError(t, "the one who was cancelled", err, async.ErrCancelled)
	}))
	t.Run("a task can use the loop while an exception is being logged", func(t *testing.T) {
		guarded(t, func() {
			h := waitingHandler{begun: make(chan struct{}), end: make(chan struct{})}
			err := async.Run(func(ctx context.Context) error {
				must(async.RunningLoop(ctx)).CallSoon(func() { panic("in a callback") })
				<-h.begun
				async.AllTasks(ctx)
				close(h.end)
				return nil
			}, async.Parallel(0), async.Logger(slog.New(h)))
			expectError(t, "Run", err, nil)
		})
	})
	t.Run("a handler of the log is called where no task would wait for it", func(t *testing.T) {
		guarded(t, func() {
			// The handler takes a mutex that a task holds while it calls the loop.
			var h lockedHandler
			err := async.Run(func(ctx context.Context) error {
				l := must(async.RunningLoop(ctx))
				for range 50 {
					log := async.Go(ctx, func(ctx context.Context) error {
						h.mu.Lock()
						defer h.mu.Unlock()
						runtime.Gosched()
						async.AllTasks(ctx)
						l.CallLater(0, func() {})
						return nil
					})
					slow := async.Go(ctx, func(ctx context.Context) error { return async.Sleep(ctx, 0) })
					l.CallSoon(func() {})
					l.CallSoon(func() { panic("in a callback") })
					async.CreateTask(ctx, func(context.Context) (int, error) { return 0, errors.New("nobody looks at this") })
					if _, err := async.Gather(ctx, log, slow); err != nil {
						return err
					}
				}
				return nil
			}, async.Parallel(0), async.SlowTask(1), async.Logger(slog.New(&h)))
			expectError(t, "Run", err, nil)
			for _, message := range []string{"a step of a task took long", "a callback took long", "exception in callback", "task exception was never retrieved"} {
				if !h.heard[message] {
					t.Errorf("nothing was logged about %q", message)
				}
			}
		})
	})
	t.Run("the exception handler hears of panics in callbacks, and of errors that nobody has looked at", func(t *testing.T) {
		guarded(t, func() {
			errBad := errors.New("bad")
			var heard chronicle
			err := async.Run(func(ctx context.Context) error {
				l := must(async.RunningLoop(ctx))
				l.CallSoon(func() { panic("in a callback") })
				async.CreateTask(ctx, func(context.Context) (int, error) { return 0, errBad })
				return async.Sleep(ctx, time.Millisecond)
			}, async.Parallel(2), async.ExceptionHandler(func(l *async.Loop, c async.ExceptionContext) {
				heard.add("%s", c.Message)
				async.Stats(l) // may ask the loop
			}))
			expectError(t, "Run", err, nil)
			heard.expect(t, "exception in callback", "task exception was never retrieved")
		})
	})
}
