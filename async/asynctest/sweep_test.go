package asynctest_test

import (
	"context"
	"errors"
	"testing"

	"github.com/asyncgo/asyncgo/async"
	"github.com/asyncgo/asyncgo/async/asynctest"
)

func TestSweep(t *testing.T) {
	t.Run("it tries each fault at each suspension point", func(t *testing.T) {
		r := asynctest.Sweep(t, func(ctx context.Context) error {
			if err := pause(ctx); err != nil {
				return err
			}
			_, err := async.ToThread(ctx, func(context.Context) (int, error) { return 1, nil })
			return err
		})
		// The plain run, three faults in the first wait and four in the second.
		if r.Points != 2 || r.Schedules != 1+3+4 || !r.Complete {
			t.Errorf("the result is %+v", r)
		}
	})
	t.Run("a lock that a fault leaves locked is found", func(t *testing.T) {
		said := mustFail(t, func(t testing.TB) {
			asynctest.Sweep(t, func(ctx context.Context) error {
				var l async.Lock
				use := func(ctx context.Context) error {
					if err := l.Acquire(ctx); err != nil {
						return err
					}
					if err := pause(ctx); err != nil {
						return err // and the lock?
					}
					l.Release()
					return nil
				}
				return together(ctx, use)
			})
		})
		has(t, said, "Lock(locked) is held by", "This is the run with a ", " at suspension point ", " is injected")
	})
	t.Run("the report has the name of main's function", func(t *testing.T) {
		has(t, mustFail(t, func(t testing.TB) { asynctest.Explore(t, keepsALock) }), "keepsALock, created at sweep_test.go:")
	})
	t.Run("a panic that skips a release is found, and a deferred one is not", func(t *testing.T) {
		program := func(deferred bool) program {
			return func(ctx context.Context) error {
				s := async.NewSemaphore(1)
				free(ctx, s, "Semaphore(unlocked, value: 1)")
				return together(ctx, func(ctx context.Context) error {
					if err := s.Acquire(ctx); err != nil {
						return err
					}
					if deferred {
						defer s.Release()
						return pause(ctx)
					}
					err := pause(ctx)
					s.Release()
					return err
				})
			}
		}
		said := mustFail(t, func(t testing.TB) { asynctest.Sweep(t, program(false)) })
		has(t, said, "Semaphore(locked", "with a panic at suspension point 2")
		asynctest.Sweep(t, program(true))
	})
	t.Run("an error that is not the fault's is a failure", func(t *testing.T) {
		said := mustFail(t, func(t testing.TB) {
			asynctest.Sweep(t, func(ctx context.Context) error {
				if err := pause(ctx); err != nil {
					return errors.New("something else")
				}
				return nil
			})
		})
		has(t, said, "something else", "with a cancellation")
	})
	t.Run("the token replays the fault too", func(t *testing.T) {
		main := func(ctx context.Context) error {
			_, err := async.ToThread(ctx, func(context.Context) (int, error) { return 1, nil })
			if errors.Is(err, asynctest.ErrInjected) {
				return errors.New("found")
			}
			return err
		}
		m := &mute{TB: t}
		r := asynctest.Sweep(m, main)
		t.Setenv("ASYNCGO_SCHEDULE", r.Token)
		again := asynctest.Sweep(m, main)
		if r.Failed != 1 || again.Failed != 1 || again.Schedules != 1 || again.Hash != r.Hash {
			t.Errorf("first %+v\nthen %+v", r, again)
		}
	})
	t.Run("only the faults that are asked for are injected", func(t *testing.T) {
		r := asynctest.Sweep(t, pause, asynctest.Faults("cancel"))
		if r.Schedules != 2 {
			t.Errorf("%d runs", r.Schedules)
		}
	})
}

// keepsALock ends with a lock that nobody will release.
func keepsALock(ctx context.Context) error {
	var l async.Lock
	return l.Acquire(ctx)
}

func TestTrace(t *testing.T) {
	t.Run("things in order pass", func(t *testing.T) {
		asynctest.Run(t, func(ctx context.Context) error {
			tr := asynctest.NewTrace(asynctest.TB(ctx))
			tr.Expect(1)
			task := async.Go(ctx, func(context.Context) error { tr.Expect(3); return nil })
			tr.Expect(2)
			_, err := task.Await(ctx)
			tr.Finish(4)
			return err
		})
	})
	for what, main := range map[string]func(tr *asynctest.Trace){
		"Expect(2) where 1 was due":    func(tr *asynctest.Trace) { tr.Expect(2) },
		"Expect(2) after Finish":       func(tr *asynctest.Trace) { tr.Finish(1); tr.Expect(2) },
		"the trace was not finished":   func(tr *asynctest.Trace) { tr.Expect(1) },
		"Finish(3) where 2 was due at": func(tr *asynctest.Trace) { tr.Expect(1); tr.Finish(3) },
	} {
		t.Run(what+" is a failure", func(t *testing.T) {
			m := &mute{TB: t}
			asynctest.Explore(m, func(ctx context.Context) error {
				main(asynctest.NewTrace(asynctest.TB(ctx)))
				return nil
			}, asynctest.Schedules(1))
			has(t, m.said, what)
		})
	}
}
