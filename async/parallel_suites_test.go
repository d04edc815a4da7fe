package async_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/asyncgo/asyncgo/async"
	"github.com/asyncgo/asyncgo/internal/loop"
)

// parallel is set when all loops of the tests are as with [async.Parallel].
var parallel = os.Getenv(async.ModeVariable) != ""

// places is how many tasks run at a time then. With one, giving way is enough to let all others come to their next wait.
var places, _ = strconv.Atoi(os.Getenv(async.ModeVariable))

// giveWay lets the other tasks have a tick. When they run in parallel, it also gives them the time to come to their next wait.
func giveWay(ctx context.Context) error {
	err := async.Sleep(ctx, 0)
	if parallel && places > 1 {
		settle(ctx)
	}
	return err
}

// settling counts the tasks in settle.
var settling atomic.Int64

// settle waits until no other task of the loop of ctx runs, except for those that are in here themselves. It does not take long:
// a test may have reasons to let one compute.
func settle(ctx context.Context) {
	l, err := async.RunningLoop(ctx)
	if err != nil {
		return
	}
	settling.Add(1)
	defer settling.Add(-1)
	for start := time.Now(); time.Since(start) < 50*time.Millisecond; runtime.Gosched() {
		here := int(settling.Load())
		if s := async.Stats(l); s.Running <= here && s.Ready == 0 || here >= places {
			return
		}
	}
}

// atOnce calls fn, and lets no task begin, go on from a wait or end until it has returned, as is so anyway where tasks do not run in
// parallel. A wait in fn lets the others in, as ever.
func atOnce(ctx context.Context, fn func()) {
	defer loop.Of(ctx).Stay().End()
	fn()
}

// standStill waits until no task of a loop that does not run is under way.
func standStill(l *async.Loop) {
	for parallel && async.Stats(l).Running > 0 {
		runtime.Gosched()
	}
}

// TestSuitesInParallel runs the other tests of the package once more, in loops whose tasks run in parallel: one at a time, and two. What
// asserts an order, or has tasks share variables without a lock, is listed in testdata/parallel.txt and left out.
//
// Tests bring tasks into position by letting them have some ticks, which is no promise in this mode. So one that fails is run
// again by itself, up to three times. One that hangs is not forgiven.
func TestSuitesInParallel(t *testing.T) {
	if parallel || testing.Short() {
		t.Skip("it is one of those that it runs itself, or there is no time")
	}
	for _, n := range []string{"1", "2"} {
		t.Run("Parallel("+n+")", func(t *testing.T) {
			left := leftOut(t, n)
			run := func(pattern string) (out []byte, err error) {
				ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
				defer cancel()
				cmd := exec.CommandContext(ctx, os.Args[0], "-test.v", "-test.short", "-test.run", pattern, "-test.skip", strings.Join(left, "|"))
				cmd.Env = append(os.Environ(), async.ModeVariable+"="+n)
				return cmd.CombinedOutput()
			}
			out, err := run("^Test")
			passed := bytes.Count(out, []byte("--- PASS: "))
			t.Logf("%d tests have passed, %d are left out", passed, len(left))
			if passed < 1000 {
				t.Errorf("only %d tests have run", passed)
			}
			failed := failures.FindAllSubmatch(out, -1)
			if err != nil && len(failed) == 0 {
				t.Errorf("%v\n%s", err, troubles(out))
			}
			if bytes.Contains(out, []byte("the test does not end")) {
				t.Errorf("a test hangs, which no position of its tasks explains\n%s", troubles(out))
			}
			for _, f := range failed {
				for again := 1; err != nil; again++ {
					if out, err = run("^" + string(f[1]) + "$"); err != nil && again == 3 {
						t.Errorf("%v\n%s", err, troubles(out))
						break
					}
				}
				t.Logf("%s was run again", f[1])
				err = errors.New("for the next one")
			}
		})
	}
}

// failures finds the names of tests that have failed.
var failures = regexp.MustCompile(`(?m)^--- FAIL: (\S+)`)

// leftOut returns the patterns of the tests that are not for n tasks at a time.
func leftOut(t *testing.T, n string) (patterns []string) {
	list, err := os.ReadFile("testdata/parallel.txt")
	expectError(t, "the list", err, nil)
	for line := range strings.Lines(string(list)) {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		from, rest, _ := strings.Cut(line, " ")
		_, name, ok := strings.Cut(rest, " ")
		if !ok || from != "1" && from != "2" {
			t.Errorf("testdata/parallel.txt has the line %q", line)
			continue
		}
		if from > n {
			continue
		}
		parts := strings.Split(name, "/")
		for i, part := range parts {
			parts[i] = "^" + regexp.QuoteMeta(part) + "$"
		}
		patterns = append(patterns, strings.Join(parts, "/"))
	}
	return patterns
}

// troubles returns the lines of a verbose test run that say what has failed: first the names, then everything.
func troubles(out []byte) string {
	var b strings.Builder
	for line := range strings.Lines(string(out)) {
		if strings.Contains(line, "--- FAIL") {
			b.WriteString(line)
		}
	}
	for line := range strings.Lines(string(out)) {
		if trimmed := strings.TrimSpace(line); !strings.HasPrefix(trimmed, "=== ") && !strings.HasPrefix(trimmed, "--- PASS") && b.Len() < 20_000 {
			b.WriteString(line)
		}
	}
	return b.String()
}
