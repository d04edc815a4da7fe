package asynctest_test

import (
	"context"
	"os"
	"os/exec"
	"testing"

	"github.com/asyncgo/asyncgo/async"
	"github.com/asyncgo/asyncgo/async/asynctest"
)

// buggyVariable is in the environment of a process in which a test has to fail, for another test to look at.
const buggyVariable = "ASYNCTEST_BUGGY"

// again runs the tests of this package in a process of its own, and returns what it prints.
func again(t *testing.T, dir string, env []string, args ...string) (out string, failed bool) {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), exe, args...)
	cmd.Dir, cmd.Env = dir, append(os.Environ(), env...)
	text, err := cmd.CombinedOutput()
	if _, exited := err.(*exec.ExitError); err != nil && !exited {
		t.Fatal(err)
	}
	return string(text), err != nil
}

// TestDataRace fails in a process that TestDataRaceIsFound has started.
func TestDataRace(t *testing.T) {
	if os.Getenv(buggyVariable) == "" {
		t.Skip("it has a data race")
	}
	asynctest.Explore(t, func(ctx context.Context) error {
		n := 0
		job := async.RunInExecutor(ctx, nil, func() (int, error) { n++; return n, nil })
		n++
		_, err := job.Await(ctx)
		return err
	})
}

func TestDataRaceIsFound(t *testing.T) {
	if !raceEnabled {
		t.Skip("the race detector is off")
	}
	t.Run("a report of the race detector fails the schedule at hand, and it has a token", func(t *testing.T) {
		out, failed := again(t, t.TempDir(), []string{buggyVariable + "=1"}, "-test.run=^TestDataRace$")
		if !failed {
			t.Error("the test has passed")
		}
		has(t, out, "WARNING: DATA RACE", "by the race detector", "This is schedule 1 of Random", "ASYNCGO_SCHEDULE=")
	})
}
