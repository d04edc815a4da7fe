package async_test

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/asyncgo/asyncgo/async"
	"github.com/asyncgo/asyncgo/internal/loop"
)

func TestFactsErrorHandler(t *testing.T) {
	errBad := errors.New("bad")

	// logged runs main with a logger and returns the log.
	logged := func(t *testing.T, main func(ctx context.Context) error, opts ...async.Option) (records []slog.Record) {
		t.Helper()
		log := logTo(func(r slog.Record) { records = append(records, r) })
		guarded(t, func() {
			expectError(t, "Run", async.Run(main, append(opts, log)...), nil)
		})
		return records
	}
	// errorsIn returns what a log has to say about errors.
	errorsIn := func(records []slog.Record) *chronicle {
		var c chronicle
		for _, r := range records {
			err, _ := attribute(r, "error").(error)
			var caught *async.PanicError
			if errors.As(err, &caught) {
				c.add("%s %s: panic: %v", r.Level, r.Message, caught.Value)
			} else {
				c.add("%s %s: %v", r.Level, r.Message, err)
			}
		}
		return &c
	}

	t.Run("X5 a failing callback goes to the handler with its loop, and to the log if there is none", func(t *testing.T) {
		var handled chronicle
		records := logged(t, func(ctx context.Context) error {
			l := running(ctx)
			l.SetExceptionHandler(func(got *async.Loop, e async.ExceptionContext) {
				var caught *async.PanicError
				if !errors.As(e.Err, &caught) {
					t.Errorf("the error is %T, not a PanicError", e.Err)
				}
				handled.add("%s, the value %v, the loop %v, a handle %v", e.Message, errors.Is(e.Err, errBad), got == l, e.Handle != nil)
			})
			l.CallSoon(func() { panic(errBad) })
			ticks(ctx, 1)
			l.SetExceptionHandler(nil)
			l.CallSoon(func() { panic(errBad) })
			ticks(ctx, 1)
			return nil
		})
		handled.expect(t, "exception in callback, the value true, the loop true, a handle true")
		errorsIn(records).expect(t, "ERROR exception in callback: panic: bad")
	})

	t.Run("X6 a handler that fails is logged and the loop goes on", func(t *testing.T) {
		goesOn := false
		records := logged(t, func(ctx context.Context) error {
			l := running(ctx)
			l.SetExceptionHandler(func(*async.Loop, async.ExceptionContext) { panic("handler broken") })
			l.CallSoon(func() { panic(errBad) })
			l.CallSoon(func() { goesOn = true })
			ticks(ctx, 1)
			return nil
		})
		errorsIn(records).expect(t, "ERROR unhandled error in exception handler: panic: handler broken")
		expectEqual(t, "whether the loop went on", goesOn, true)
	})

	t.Run("X8 the environment sets debug mode of new loops, and the empty variable does not", func(t *testing.T) {
		for _, c := range []struct {
			env  string
			want bool
		}{{"1", true}, {"", false}} {
			t.Setenv("ASYNCGO_DEBUG", c.env)
			l := async.NewLoop()
			expectEqual(t, "debug mode with "+c.env, l.Debug(), c.want)
			l.SetDebug(!c.want)
			expectEqual(t, "debug mode after SetDebug", l.Debug(), !c.want)
			check(l.Close())
		}
	})

	// What makes a step slow is real time, whatever the loop's clock tells.
	const slow = 20 * time.Millisecond
	slowly := func(ctx context.Context) error {
		must(async.Go(ctx, func(context.Context) error {
			time.Sleep(slow)
			return nil
		}, async.Name("slow")).Await(ctx))
		running(ctx).CallSoon(func() { time.Sleep(slow) })
		ticks(ctx, 1)
		return nil
	}

	t.Run("X9 in debug mode slow steps and callbacks are logged as warnings", func(t *testing.T) {
		var task, callback int
		for _, r := range logged(t, slowly, async.SlowTask(slow)) {
			took, _ := attribute(r, "took").(time.Duration)
			if r.Level != slog.LevelWarn || took < slow {
				t.Errorf("the log has a %s %q that took %v", r.Level, r.Message, took)
			}
			// On a busy machine other steps may take as long.
			switch of, _ := attribute(r, "task").(async.AnyTask); {
			case of == nil:
				callback++
			case of.Name() == "slow":
				task++
			}
		}
		expectEqual(t, "the number of warnings about the task", task, 1)
		if callback == 0 {
			t.Error("there is no warning about the callback")
		}
	})

	t.Run("X9 without debug mode nothing is measured", func(t *testing.T) {
		t.Setenv("ASYNCGO_DEBUG", "")
		expectEqual(t, "the number of warnings", len(logged(t, slowly)), 0)
	})

	const here = "facts_signal_test.go:"

	t.Run("X11 in debug mode a task tells where it was created", onLoop(func(ctx context.Context, t *testing.T) {
		s := async.Go(ctx, hanging).String()
		if !strings.Contains(s, "created at ") || !strings.Contains(s, here) {
			t.Errorf("the task does not tell where it was created: %s", s)
		}
		running(ctx).SetDebug(false)
		if s := async.Go(ctx, hanging).String(); strings.Contains(s, here) {
			t.Errorf("a task tells where it was created without debug mode: %s", s)
		}
	}, async.Debug()))

	t.Run("X11 in debug mode a future tells where it was created", onLoop(func(ctx context.Context, t *testing.T) {
		s := async.NewFuture[int](ctx).String()
		if !strings.Contains(s, "created at ") || !strings.Contains(s, here) {
			t.Errorf("the future does not tell where it was created: %s", s)
		}
		running(ctx).SetDebug(false)
		if s := async.NewFuture[int](ctx).String(); strings.Contains(s, here) {
			t.Errorf("a future tells where it was created without debug mode: %s", s)
		}
	}, async.Debug()))

	for _, c := range []struct {
		name string
		main func(ctx context.Context) error
	}{
		{"the report of a callback tells where it was scheduled", func(ctx context.Context) error {
			running(ctx).CallSoon(func() { panic(errBad) })
			ticks(ctx, 1)
			return nil
		}},
		{"the report of a task that the end of the run cancels tells where it was created", func(ctx context.Context) error {
			async.Go(ctx, cleaningUp(errBad))
			ticks(ctx, 1)
			return nil
		}},
		{"the report of an error that nobody looked at tells where the task was created", func(ctx context.Context) error {
			async.Go(ctx, failingWith(errBad, 0))
			ticks(ctx, 1)
			return nil
		}},
	} {
		t.Run("X11 in debug mode "+c.name, func(t *testing.T) {
			for _, debug := range []bool{true, false} {
				opts := []async.Option{async.Clock(loop.NewVirtual()), async.SlowTask(time.Hour)}
				if !debug {
					opts = opts[:1]
				}
				records := logged(t, c.main, opts...)
				if len(records) != 1 {
					t.Fatalf("the log has %d records, not 1", len(records))
				}
				created, _ := attribute(records[0], "created").(string)
				if strings.Contains(created, here) != debug {
					t.Errorf("with debug mode %v the report says that it was created at %q", debug, created)
				}
			}
		})
	}
}
