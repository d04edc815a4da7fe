package loop_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/asyncgo/asyncgo/internal/loop"
)

func TestFailures(t *testing.T) {
	t.Run("an error that nobody has looked at is reported once, when it is dropped or at the end", func(t *testing.T) {
		l := loop.New(context.Background(), loop.NewReal())
		var got []string
		l.SetHandler(func(e loop.Exception) { got = append(got, fmt.Sprintf("%s: %v", e.Message, e.Err)) })
		var failures []*loop.Failure
		for i := range 100 { // enough for the list to be gone through
			f := l.Watch("future", fmt.Errorf("%d", i))
			if i%25 == 0 {
				failures = append(failures, f)
			} else {
				f.Seen()
			}
		}
		failures[2].Rename("task")
		failures[1].Seen()
		failures[1].Dropped()
		failures[3].Dropped()
		failures[3].Dropped()
		for range 2 {
			for _, e := range l.Unseen() {
				l.Report(e)
			}
		}
		failures[0].Dropped()
		last := l.Watch("late", errors.New("x"))
		l.Close()
		last.Dropped()
		want := []string{"future exception was never retrieved: 75", "future exception was never retrieved: 0",
			"task exception was never retrieved: 50", "late exception was never retrieved: x"}
		if !slices.Equal(got, want) {
			t.Errorf("reported was\n%s\nand should be\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
		}
	})
	t.Run("without a handler, and when the handler panics, exceptions are logged", func(t *testing.T) {
		l := loop.New(context.Background(), loop.NewReal())
		defer l.Close()
		var log bytes.Buffer
		l.Logger = slog.New(slog.NewTextHandler(&log, nil))
		l.Report(loop.Exception{Err: errors.New("one"), Created: "here.go:1"})
		l.SetHandler(func(loop.Exception) { panic("two") })
		l.Report(loop.Exception{})
		l.SetHandler(nil)
		l.Report(loop.Exception{Message: "three"})
		for _, want := range []string{"unhandled exception in event loop", "error=one", "created=here.go:1", "unhandled error in exception handler", "two", "three"} {
			if !strings.Contains(log.String(), want) {
				t.Errorf("the log lacks %q:\n%s", want, &log)
			}
		}
	})
}

func TestOutsideWaits(t *testing.T) {
	t.Run("a goroutine sleeps on the clock of its context's loop", func(t *testing.T) {
		inTask(t, loop.NewVirtual(), func(ctx context.Context, l *loop.Loop) {
			l.External(1)
			n := new(never)
			go func() {
				h := loop.NewHandle(l, func() { l.External(-1) })
				h.Soon() // Now the clock may jump; the sleep comes first or is what it waits for.
				if err := loop.Sleep(l.Context(), time.Hour); err != nil {
					t.Errorf("Sleep returns %v", err)
				}
				complete(&n.Completion, loop.Succeeded)
			}()
			n.Wait(ctx, n)
			if l.Now() < time.Hour {
				t.Errorf("it is %v", l.Now())
			}
		})
	})
	t.Run("a goroutine sleeps without any loop, until its context ends", func(t *testing.T) {
		for _, d := range []time.Duration{0, -1, time.Microsecond} {
			if err := loop.Sleep(context.Background(), d); err != nil {
				t.Errorf("Sleep returns %v", err)
			}
		}
		ctx, cancel := context.WithCancelCause(context.Background())
		cancel(errBecause)
		for _, d := range []time.Duration{0, time.Hour} {
			if err := loop.Sleep(ctx, d); !errors.Is(err, errBecause) {
				t.Errorf("Sleep returns %v", err)
			}
		}
	})
	t.Run("a goroutine cannot sleep on a closed loop", func(t *testing.T) {
		l := loop.New(context.Background(), loop.NewReal())
		ctx := context.WithoutCancel(l.Context())
		l.Close()
		if err := loop.Sleep(ctx, time.Hour); !errors.Is(err, loop.ErrLoopClosed) {
			t.Errorf("Sleep returns %v", err)
		}
	})
}

func TestHandleTimes(t *testing.T) {
	t.Run("handles are called in order of their times, and not if they were cancelled", func(t *testing.T) {
		inTask(t, loop.NewVirtual(), func(ctx context.Context, l *loop.Loop) {
			var r record
			var gone *loop.Handle
			for _, d := range []time.Duration{3, 1, 2, 1} {
				h := loop.NewHandle(l, func() {
					r.add("%d", d)
					gone.Cancel() // which is due at the same time
				})
				outside(func() { h.At(d * time.Second) })
				if h.When() != d*time.Second {
					t.Errorf("When is %v", h.When())
				}
			}
			ticks(ctx, 1) // What is set from outside counts from when it comes in.
			gone = loop.NewHandle(l, func() { t.Error("a cancelled handle is called") })
			gone.At(time.Second)
			loop.Sleep(ctx, 5*time.Second)
			r.expect(t, "1 1 2 3")
			if !gone.Cancelled() || gone.String() != "?" {
				t.Errorf("the cancelled handle is %v", gone)
			}
		})
	})
	t.Run("a time long ago is now, for an idle loop too", func(t *testing.T) {
		for _, when := range []time.Duration{-1, math.MinInt64 / 2, math.MinInt64} {
			inTask(t, loop.NewReal(), func(ctx context.Context, l *loop.Loop) {
				ticks(ctx, 2)
				n := new(never)
				loop.NewHandle(l, func() { complete(&n.Completion, loop.Succeeded) }).At(when)
				n.Wait(ctx, n)
			})
		}
	})
	t.Run("a sleep of the longest duration does not run over", func(t *testing.T) {
		inTask(t, loop.NewVirtual(), func(ctx context.Context, l *loop.Loop) {
			loop.Sleep(ctx, time.Second)
			loop.Sleep(ctx, forever)
			if l.Now() != forever {
				t.Errorf("it is %v", l.Now())
			}
		})
	})
}
