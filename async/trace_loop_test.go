package async_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/asyncgo/asyncgo/async"
	"github.com/asyncgo/asyncgo/internal/loop"
	"github.com/asyncgo/asyncgo/internal/pytrace"
)

var trace61 = port{
	name: "61_call_soon_later_order",
	run: func(tr *trace) {
		tr.run(func(ctx context.Context) error {
			l := running(ctx)
			var log []any
			appending := func(v any) func() { return func() { log = append(log, v) } }
			now := l.Time()
			l.CallLater(0, appending("later(0)"))
			l.CallLater(-time.Second, appending("later(-1)"))
			l.CallAt(now-5*time.Second, appending("at(past)"))
			l.CallSoon(appending("soon1"))
			l.CallSoon(func() {
				appending("soon2")()
				l.CallSoon(appending("soon from soon2 (next iteration)"))
			})
			l.CallSoon(appending("soon3"))
			ticks(ctx, 2)
			for _, x := range log {
				tr.println(x)
			}
			tr.println("-- timers by deadline, not by insertion")
			log = nil
			for _, d := range []time.Duration{60 * time.Millisecond, 20 * time.Millisecond, 40 * time.Millisecond} {
				l.CallLater(d, appending(d))
			}
			check(async.Sleep(ctx, 90*time.Millisecond))
			tr.println(log)
			tr.println("-- cancel")
			log = nil
			var h2 *async.Handle
			l.CallSoon(func() {
				appending("first")()
				h2.Cancel()
			})
			h2 = l.CallSoon(appending("NEVER"))
			h3 := l.CallLater(10*time.Millisecond, appending("NEVER"))
			h3.Cancel()
			check(async.Sleep(ctx, 30*time.Millisecond))
			tr.println(log, h2.Cancelled(), h3.Cancelled())
			return nil
		})
	},
	deviations: []pytrace.Deviation{
		{Line: 12, Python: "TypeError delay must not be None", Why: compilersJob},
		{Line: 13, Python: "TypeError when cannot be None", Why: compilersJob},
	},
}

// resultWithin is result(timeout) of a concurrent.futures.Future: the calling goroutine waits with a context that has nothing to do
// with the loop.
func resultWithin[T any](f *async.Future[T], d time.Duration) (T, error) {
	ctx, cancel := context.WithTimeout(context.Background(), d)
	defer cancel()
	return f.Await(ctx)
}

var trace63 = port{
	name: "63_threadsafe",
	run: func(tr *trace) {
		add := func(a, b int) async.Coroutine[int] {
			return func(ctx context.Context) (int, error) { return a + b, async.Sleep(ctx, 0) }
		}
		bad := async.Do(func(context.Context) error { return keyError("bad") })
		started := make(chan struct{})
		hang := async.Do(func(ctx context.Context) error {
			close(started)
			err := untilCancelled(ctx)
			if errors.Is(err, async.ErrCancelled) {
				tr.println("coroutine cancelled through the concurrent future")
			}
			return err
		})
		tr.run(func(ctx context.Context) error {
			l := running(ctx)
			thread := func(context.Context) ([]any, error) {
				f := async.RunCoroutineThreadsafe(l, add(1, 2))
				r := must(resultWithin(f, 5*time.Second))
				out := []any{strings.TrimSuffix(fmt.Sprintf("%T", f), "[int]"), r}
				if _, err := resultWithin(async.RunCoroutineThreadsafe(l, bad), 5*time.Second); className(err) == "KeyError" {
					out = append(out, repr(err))
				}
				h := async.RunCoroutineThreadsafe(l, hang)
				<-started // a task that is cancelled before it has started prints nothing
				if _, err := resultWithin(h, time.Millisecond); errors.Is(err, async.ErrTimeout) {
					out = append(out, "result() timed out, coroutine still running")
				}
				return append(out, tuple{"cancel", h.Cancel()}), nil
			}
			for _, x := range must(async.ToThread(ctx, thread)) {
				tr.println(x)
			}
			check(async.Sleep(ctx, 20*time.Millisecond))
			// The script waits for an Event here; a future does the same once.
			ev := async.NewFuture[async.Void](ctx)
			var order []int
			go func() {
				for i := range 3 {
					l.CallSoonThreadsafe(func() { order = append(order, i) })
				}
				l.CallSoonThreadsafe(func() { check(ev.SetResult(async.Void{})) })
			}()
			must(ev.Await(ctx))
			tr.println(order)
			return nil
		})
	},
	deviations: []pytrace.Deviation{
		{
			Line:   2,
			Python: "concurrent.Future",
			Ours:   "*future.Future",
			Why:    `decisions.md, Threads: "Every primitive is safe from any goroutine", so one type of Future serves both.`,
		},
		{Line: 7, Python: "TypeError A coroutine object is required", Why: compilersJob},
	},
}

// A logHandler prints what the loop logs.
type logHandler func(r slog.Record)

func (h logHandler) Enabled(context.Context, slog.Level) bool { return true }
func (h logHandler) WithAttrs([]slog.Attr) slog.Handler       { return h }
func (h logHandler) WithGroup(string) slog.Handler            { return h }

func (h logHandler) Handle(_ context.Context, r slog.Record) error {
	h(r)
	return nil
}

// logTo is logging.getLogger('asyncio').addHandler(h).
func logTo(h logHandler) async.Option { return async.Logger(slog.New(h)) }

// attribute returns a value of a log record, or nil.
func attribute(r slog.Record, key string) (v any) {
	r.Attrs(func(a slog.Attr) bool {
		if a.Key == key {
			v = a.Value.Any()
		}
		return v == nil
	})
	return v
}

// levels are Python's names of them.
var levels = map[slog.Level]string{slog.LevelWarn: "WARNING", slog.LevelError: "ERROR"}

var trace69 = port{
	name: "69_debug_mode",
	run: func(tr *trace) {
		slowCallbackDuration := 100 * time.Millisecond
		h := func(r slog.Record) {
			task, ok := attribute(r, "task").(async.AnyTask)
			took, _ := attribute(r, "took").(time.Duration)
			switch {
			case ok && task.Name() != "slow": // any step may take that long on a busy machine
			case ok && took >= slowCallbackDuration:
				tr.println("log", levels[r.Level], "Executing <Task ... took N seconds")
			default:
				tr.println("log", levels[r.Level], r.Message)
			}
		}
		tr.run(func(ctx context.Context) error {
			l := running(ctx)
			tr.println("debug", l.Debug())
			// What makes a step slow is real time, whatever the loop's clock tells.
			must(async.Go(ctx, func(context.Context) error {
				time.Sleep(slowCallbackDuration)
				return nil
			}, async.Name("slow")).Await(ctx))
			scheduled := make(chan struct{})
			go func() {
				defer close(scheduled)
				l.CallSoon(func() { tr.println("call_soon from another goroutine") })
			}()
			<-scheduled
			t := async.Go(ctx, func(context.Context) error { return nil })
			tr.println("task keeps its creation stack:", strings.Contains(t.String(), "trace_loop_test.go:"))
			must(t.Await(ctx))
			return nil
		}, async.Debug(), logTo(h))
	},
	deviations: []pytrace.Deviation{
		{
			Line:   1,
			Python: "debug True slow_callback_duration 0.1",
			Ours:   "debug True",
			Why:    "The duration is set by the option SlowTask and cannot be asked for. That it is a tenth of a second by default shows in the next line.",
		},
		{
			Line:   3,
			Python: "RuntimeError Non-thread-safe operation invoked on an event loop other than the current one",
			Why:    simplyWorks,
		},
		{Line: 4, Python: "TypeError coroutines cannot be used with call_soon()", Why: compilersJob},
		{Line: 5, Python: "TypeError a callable object was expected by call_soon(), got 5", Why: compilersJob},
		{
			Line:   6,
			Python: "task keeps its creation stack: True",
			Ours:   "task keeps its creation stack: True\ncall_soon from another goroutine",
			Why:    simplyWorks,
		},
		{
			Line:   7,
			Python: `["coroutine 'c' was never awaited"]`,
			Why:    "A Coroutine is a func, and nobody is told of a func that is never called.",
		},
	},
}

var trace91 = port{
	name: "91_exception_handler",
	run: func(tr *trace) {
		h := func(r slog.Record) {
			var class any = false
			if err, ok := attribute(r, "error").(error); ok {
				class = className(err)
			}
			tr.println("LOG", levels[r.Level], sentence(r.Message), "|", class)
		}
		tr.run(func(ctx context.Context) error {
			l := running(ctx)
			bad := func() { panic(errZeroDivision) }
			l.CallSoon(bad)
			ticks(ctx, 1)
			l.SetExceptionHandler(func(_ *async.Loop, c async.ExceptionContext) { tr.println("custom", keys(c)) })
			l.CallSoon(bad)
			ticks(ctx, 1)
			l.SetExceptionHandler(func(*async.Loop, async.ExceptionContext) { panic(keyError("handler broken")) })
			l.CallSoon(bad)
			ticks(ctx, 1)
			l.SetExceptionHandler(nil)
			l.CallExceptionHandler(async.ExceptionContext{Message: "manual", Err: valueError(1)})
			l.CallExceptionHandler(async.ExceptionContext{})
			return nil
		}, logTo(h))
	},
	deviations: []pytrace.Deviation{
		{
			Line:   1,
			Python: "LOG ERROR Exception in callback bad() | ZeroDivisionError",
			Ours:   "LOG ERROR Exception in callback | ZeroDivisionError",
			Why:    "A Go closure has no name, so the message does not tell that of the callback; the stack of the PanicError tells where it stands.",
		},
		{Line: 6, Python: "TypeError A callable object or None is expected, got 'spam'", Why: compilersJob},
		{Line: 7, Python: "TypeError A callable object or None is expected, got 1", Why: compilersJob},
		{
			Line:   8,
			Python: "None",
			Why:    "There is no get_exception_handler: a handler is set by who owns the loop. That there is none shows in the two lines that are logged before.",
		},
	},
}

var trace93 = port{
	name: "93_run_until_complete_runs_one_iteration",
	run: func(tr *trace) {
		l := async.NewLoop(async.Clock(loop.NewVirtual()))
		f := async.NewFuture[string](l.Context())
		check(f.SetResult("R"))
		l.CallSoon(func() { tr.println("a ready callback runs even though the future is already done") })
		tr.println(must(async.RunUntilComplete(l, f)))
		other := async.NewLoop(async.Clock(loop.NewVirtual()))
		tr.println(must(async.RunUntilComplete(other, f)), "in another loop")
		f2 := async.NewFuture[string](other.Context())
		l.CallLater(time.Second, func() { check(f2.SetResult("R2")) })
		tr.println(must(async.RunUntilComplete(l, async.Coroutine[string](f2.Await))), "of another loop")
		var lock async.Lock
		must(async.RunUntilComplete(l, async.Do(lock.Acquire)))
		if _, err := async.RunUntilComplete(l, async.Do(func(ctx context.Context) error {
			_, err := async.WaitFor(ctx, async.Do(lock.Acquire), hundredth)
			return err
		})); errors.Is(err, async.ErrTimeout) {
			tr.println("lock is now bound to the first loop")
		}
		other.CallSoon(lock.Release)
		must(async.RunUntilComplete(other, async.Do(lock.Acquire)))
		tr.println("the second loop has waited for it too")
		check(l.Close())
		check(other.Close())
	},
	deviations: []pytrace.Deviation{
		{
			Line:   3,
			Python: "ValueError The future belongs to a different loop than the one specified as the loop argument",
			Ours:   "R in another loop",
			Why:    simplyWorks,
		},
		{Line: 4, Python: "True", Ours: "R2 of another loop", Why: simplyWorks},
		{Line: 6, Python: "is bound to a different event loop", Ours: "the second loop has waited for it too", Why: simplyWorks},
	},
}
