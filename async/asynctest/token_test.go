package asynctest_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/asyncgo/asyncgo/async"
	"github.com/asyncgo/asyncgo/async/asynctest"
	"github.com/asyncgo/asyncgo/async/asynctest/testdata/corpus"
)

// waits is a program of two tasks that fails, and that a token of another number of waits does not fit.
func waits(n int) program {
	return func(ctx context.Context) error {
		var fns []func()
		for range n {
			fns = append(fns, func() {})
		}
		if err := together(ctx, steps(fns...), steps(fns...)); err != nil {
			return err
		}
		return errors.New("it fails")
	}
}

func TestToken(t *testing.T) {
	t.Run("bytes of any kind are refused or run, and never a crash", func(t *testing.T) {
		name := strings.Split(asynctest.Explore(&mute{TB: t}, corpus.All[0].Buggy).Token, ".")[0]
		for _, text := range []string{".", "....", name, name + ".", name + ".A", name + ".____", name + ".____.c1", name + ".AAE", name + ".AgUB",
			name + ".AA.x1", name + ".AA.c", name + ".AA.c0", name + ".AA.c-1", name + ".AA.c1x", name + ".!!", name[1:] + ".AA", "x.AA"} {
			t.Setenv("ASYNCGO_SCHEDULE", text)
			has(t, mustFail(t, func(t testing.TB) { asynctest.Explore(t, corpus.All[0].Fixed, asynctest.Schedules(2)) }), "not the token of a schedule")
		}
	})
	t.Run("it begins with 32 bits of the test's name, the same on every machine", func(t *testing.T) {
		r := asynctest.Explore(named{&mute{TB: t}, "TestTransfer"}, waits(1), asynctest.Strategy(asynctest.FIFO))
		if r.Token != "17b575e6.AQ" {
			t.Errorf("the token is %s", r.Token)
		}
	})
	replays := map[string]func(t testing.TB, token string, main program) *asynctest.Result{
		"ASYNCGO_SCHEDULE": func(tb testing.TB, token string, main program) *asynctest.Result {
			t.Setenv("ASYNCGO_SCHEDULE", token)
			defer t.Setenv("ASYNCGO_SCHEDULE", "")
			return asynctest.Explore(tb, main)
		},
		"Replay": func(t testing.TB, token string, main program) *asynctest.Result {
			return asynctest.Replay(t, token, main, 3)
		},
	}
	for how, replay := range replays {
		t.Run(how+" blames a token that does not fit the program", func(t *testing.T) {
			find := func(main program) string {
				return asynctest.Explore(&mute{TB: t}, main, asynctest.Strategy(asynctest.FIFO)).Token
			}
			pass := func(ctx context.Context) error { waits(3)(ctx); return nil }
			for what, tt := range map[string]struct {
				token string
				main  program
				why   string
			}{
				"with too few choices":  {find(waits(2)), pass, "it has 3 choices, and the program has made 5"},
				"with too many choices": {find(waits(4)), pass, "it has 7 choices, and the program has made 5"},
				"with choices for a program that has none": {find(waits(2)), func(context.Context) error { return nil },
					"it has 3 choices, and the program has made 0"},
				"with no choice for a program that has some": {find(func(context.Context) error { return errors.New("at once") }), pass,
					"it has 0 choices, and the program has made 5"},
				"with a choice among more tasks": {asynctest.Explore(&mute{TB: t}, lateReader, asynctest.Seed(1)).Token, pass,
					"in choice 2 it takes number 3 of the tasks that are ready, and there are only 2"},
				"with a fault behind the end": {find(waits(3)) + ".c9", pass,
					"it has a cancellation at suspension point 9, and the program has only 5"},
				"with a fault that cannot happen there": {find(waits(3)) + ".j1", pass,
					"it has the failure of the job at suspension point 1, where that cannot happen"},
			} {
				m := &mute{TB: t}
				r := replay(m, tt.token, tt.main)
				if r.Failed != r.Schedules || r.Failed == 0 {
					t.Errorf("a token %s: %+v", what, r)
				}
				has(t, m.said, "the token does not fit the program: "+tt.why+".\n", "The program has changed since")
				if strings.Contains(m.said, "To run it again") {
					t.Errorf("a token %s is to be run again:\n%s", what, m.said)
				}
			}
			t.Run("and says what is wrong with the program first", func(t *testing.T) {
				token := asynctest.Explore(&mute{TB: t}, waits(2), asynctest.Strategy(asynctest.FIFO)).Token
				m := &mute{TB: t}
				replay(m, token, waits(3))
				if !strings.HasPrefix(m.said, "it fails\nthe token does not fit") {
					t.Errorf("it says\n%s", m.said)
				}
			})
		})
	}
	t.Run("what Explore and Sweep print fits, shortened or not", func(t *testing.T) {
		for name, find := range map[string]func(t testing.TB, main program) *asynctest.Result{
			"explore": func(t testing.TB, main program) *asynctest.Result {
				return asynctest.Explore(t, main, asynctest.Schedules(300))
			},
			"sweep": func(t testing.TB, main program) *asynctest.Result {
				return asynctest.Sweep(t, main, asynctest.Strategy(asynctest.Random), asynctest.Schedules(50))
			},
		} {
			for _, bug := range corpus.All {
				r := find(&mute{TB: t}, bug.Buggy)
				if r.Failed == 0 {
					continue
				}
				m := &mute{TB: t}
				if again := asynctest.Replay(m, r.Token, bug.Buggy, 2); again.Failed != 2 || again.Hash != r.Hash || strings.Contains(m.said, "does not fit") {
					t.Errorf("%s, %s: %+v\n%s", name, bug.Name, again, m.said)
				}
			}
		}
	})
}

func TestShrinkKeepsTheFault(t *testing.T) {
	t.Run("a schedule that fails without the fault does not take the place of one that needs it", func(t *testing.T) {
		main := func(ctx context.Context) error {
			trail := ""
			if err := together(ctx, steps(func() { trail += "a" }), steps(func() { trail += "b" })); err != nil {
				return err
			}
			if trail == "ab" {
				return errors.New("it fails")
			}
			if pause(ctx) != nil {
				return errors.New("it fails")
			}
			return nil
		}
		for seed := range uint64(100) {
			r := asynctest.Sweep(&mute{TB: t}, main, asynctest.Strategy(asynctest.Random), asynctest.Schedules(1), asynctest.Seed(seed), asynctest.Faults("cancel"))
			if r.Schedules == 1 {
				continue // the first run has failed
			}
			m := &mute{TB: t}
			if again := asynctest.Replay(m, r.Token, main, 1); again.Failed != 1 || again.Hash != r.Hash || strings.Contains(m.said, "does not fit") {
				t.Errorf("the token %s is replayed by %+v", r.Token, again)
			}
			return
		}
		t.Error("no seed has begun with b")
	})
}

// A named test has another name.
type named struct {
	testing.TB
	name string
}

func (n named) Name() string { return n.name }

func TestReplay(t *testing.T) {
	for n := range 2 {
		t.Run(fmt.Sprintf("it panics if it is to run %d times", -n), func(t *testing.T) {
			defer func() {
				if v := recover(); v != "asynctest: Replay was called with a number of runs that is not positive" {
					t.Errorf("the panic is %v", v)
				}
			}()
			asynctest.Replay(t, "", pause, -n)
		})
	}
	t.Run("it panics for the token of another test", func(t *testing.T) {
		defer func() {
			if v := recover(); v != "asynctest: the token belongs to another test" {
				t.Errorf("the panic is %v", v)
			}
		}()
		asynctest.Replay(t, "00000000.AA", pause, 1)
	})
}

func TestReport(t *testing.T) {
	t.Run("the command quotes each part of the test's name for a regular expression and for a shell", func(t *testing.T) {
		m := &mute{TB: t}
		asynctest.Explore(named{m, "TestA/it's_1+1/(x)|$y"}, waits(1), asynctest.Schedules(1))
		has(t, m.said, ` go test -run '^TestA$/^it'\''s_1\+1$/^\(x\)\|\$y$'`+"\n")
	})
	t.Run("a schedule that cannot be shortened is not said to be", func(t *testing.T) {
		m := &mute{TB: t}
		asynctest.Explore(m, lateReader, asynctest.Strategy(asynctest.Exhaustive(1)))
		has(t, m.said, "This is schedule 10 of Exhaustive(1).\n")
		if strings.Contains(m.said, "shortened from") {
			t.Errorf("it is:\n%s", m.said)
		}
	})
	t.Run("tasks without a name have the same one in every run", func(t *testing.T) {
		main := func(ctx context.Context) error {
			for range 3 {
				async.Go(ctx, pause)
			}
			pause(ctx)
			return errors.New("it fails")
		}
		for range 2 {
			m := &mute{TB: t}
			asynctest.Explore(m, main, asynctest.Strategy(asynctest.FIFO))
			has(t, m.said, "  1  main    starts ", "  2  Task-2  starts ", "  4  Task-4  starts ")
		}
	})
}
