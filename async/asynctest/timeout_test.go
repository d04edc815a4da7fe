package asynctest_test

import (
	"context"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/asyncgo/asyncgo/async"
	"github.com/asyncgo/asyncgo/async/asynctest"
	"github.com/asyncgo/asyncgo/future"
)

// A test that is run by another process has this in its environment, and does nothing without.
const inside = "ASYNCTEST_INSIDE"

// subprocess runs one of the tests below with a time limit of go test, and returns what it prints.
func subprocess(t *testing.T, name, limit string) string {
	t.Helper()
	cmd := exec.Command(os.Args[0], "-test.run=^"+name+"$", "-test.timeout="+limit)
	cmd.Env = append(os.Environ(), inside+"=1")
	out, err := cmd.CombinedOutput()
	if err == nil {
		t.Errorf("the test has passed:\n%s", out)
	}
	return string(out)
}

func TestTimeLimitOfGoTest(t *testing.T) {
	lists := func(name string, more ...string) {
		t.Run("before it is over, "+name+" fails with a list of its tasks", func(t *testing.T) {
			t.Parallel()
			out := subprocess(t, name, "6s")
			has(t, out, "--- FAIL: "+name, "the time of the test is over, in run ", `Task("main", pending`, `Task("other", pending`)
			has(t, out, more...)
			if strings.Contains(out, "panic: test timed out") {
				t.Error(out)
			}
		})
	}
	lists("TestThatTicksForEver", "timeout_test.go:")
	lists("TestThatWaitsForAFunction", "timeout_test.go:")
	lists("TestThatExploresFunctions", "This is schedule ")
	t.Run("a task that never gives way is shown in a list of all goroutines", func(t *testing.T) {
		t.Parallel()
		out := subprocess(t, "TestThatSpins", "4s")
		has(t, out, "asynctest: TestThatSpins: the time of the test is over, in run 1, which has taken 3.", "a task does not give way", "asynctest_test.spin(",
			"panic: test timed out after 4s")
	})
}

func TestGoroutineThatIsBlockedForGood(t *testing.T) {
	t.Run("does not hold up a verdict", func(t *testing.T) {
		out := subprocess(t, "TestThatHasOne", "30s")
		has(t, out, "deadlock: no task can go on")
	})
}

func TestThatHasOne(t *testing.T) {
	hangs(t) // nothing ends the goroutine
	go func() { <-chan int(nil) }()
	go func() { select {} }()
	asynctest.Run(t, await(future.New[int]()), atOnce)
}

// hangs skips a test that only another process runs, because it does not end well.
func hangs(t *testing.T) {
	if os.Getenv(inside) == "" {
		t.Skip("another process runs this test")
	}
}

func TestThatTicksForEver(t *testing.T) {
	hangs(t)
	asynctest.Run(t, func(ctx context.Context) error {
		async.Go(ctx, func(ctx context.Context) error {
			for {
				if err := async.Sleep(ctx, time.Second); err != nil {
					return err
				}
			}
		}, async.Name("other"))
		return await(future.New[int]())(ctx)
	})
}

// function is a main that waits for a function that does not return.
func function(ctx context.Context) error {
	async.Go(ctx, func(ctx context.Context) error {
		_, err := async.ToThread(ctx, func(context.Context) (int, error) { select {} })
		return err
	}, async.Name("other"))
	return await(future.New[int]())(ctx)
}

func TestThatWaitsForAFunction(t *testing.T) {
	hangs(t)
	asynctest.Run(t, function)
}

func TestThatExploresFunctions(t *testing.T) {
	hangs(t)
	began := time.Now()
	asynctest.Explore(t, func(ctx context.Context) error {
		if time.Since(began) < 3*time.Second {
			time.Sleep(10 * time.Millisecond)
			return together(ctx, pause)
		}
		return function(ctx)
	}, asynctest.Schedules(1_000_000))
}

func TestThatSpins(t *testing.T) {
	hangs(t)
	asynctest.Run(t, func(context.Context) error { spin(); return nil })
}

//go:noinline
func spin() {
	for {
		runtime.Gosched()
	}
}
