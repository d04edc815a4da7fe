package asynctest_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/asyncgo/asyncgo/async/asynctest"
	"github.com/asyncgo/asyncgo/async/asynctest/testdata/corpus"
)

func FuzzLostUpdate(f *testing.F) {
	if os.Getenv(buggyVariable) != "" {
		asynctest.Fuzz(f, lateReader)
		return
	}
	asynctest.Fuzz(f, corpus.All[0].Fixed)
}

func TestFuzz(t *testing.T) {
	told := regexp.MustCompile(`ASYNCGO_SCHEDULE=(\S+) go test -run (\S+)`)
	// replay runs the command that a failure tells, and returns what that prints.
	replay := func(t *testing.T, dir, failure, program string) (out string, failed bool) {
		t.Helper()
		m := told.FindStringSubmatch(failure)
		if m == nil {
			t.Fatalf("there is no command in\n%s", failure)
		}
		if m[2] != "'^FuzzLostUpdate$'" {
			t.Errorf("the command selects %s", m[2])
		}
		return again(t, dir, []string{"ASYNCGO_SCHEDULE=" + m[1], buggyVariable + "=" + program}, "-test.v", "-test.run="+strings.Trim(m[2], "'"))
	}
	t.Run("the token of what the fuzzer has found is replayed by the fuzz target", func(t *testing.T) {
		dir := t.TempDir()
		failure, failed := again(t, dir, []string{buggyVariable + "=1"}, "-test.run=^$", "-test.fuzz=^FuzzLostUpdate$",
			"-test.fuzzcachedir="+filepath.Join(dir, "cache"), "-test.fuzztime=100000x", "-test.fuzzminimizetime=1x")
		if !failed {
			t.Fatalf("the fuzzer has found nothing:\n%s", failure)
		}
		has(t, failure, "read before it was written", "Failing input written to testdata")
		out, failed := replay(t, dir, failure, "1")
		if !failed {
			t.Errorf("the replay has passed:\n%s", out)
		}
		has(t, out, "read before it was written", "This is the schedule of ASYNCGO_SCHEDULE.")
		if n := strings.Count(out, "read before it was written"); n != 1 {
			t.Errorf("the failure is reported %d times:\n%s", n, out)
		}
	})
	t.Run("the token of an input among the seeds is, too, and no other input is run", func(t *testing.T) {
		dir := t.TempDir()
		seeds := filepath.Join(dir, "testdata", "fuzz", "FuzzLostUpdate")
		if err := os.MkdirAll(seeds, 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(seeds, "bad"), []byte("go test fuzz v1\n[]byte(\"\\x03\")\n"), 0o666); err != nil {
			t.Fatal(err)
		}
		failure, failed := again(t, dir, []string{buggyVariable + "=1"}, "-test.run=^FuzzLostUpdate$")
		if !failed {
			t.Fatalf("the seed has passed:\n%s", failure)
		}
		out, failed := replay(t, dir, failure, "1")
		if !failed || strings.Count(out, "read before it was written") != 1 {
			t.Errorf("the replay has failed: %t\n%s", failed, out)
		}
		// The other program has other choices. The token says so.
		out, failed = replay(t, dir, failure, "")
		if !failed {
			t.Errorf("the token fits another program:\n%s", out)
		}
		has(t, out, "the token does not fit the program")
	})
	t.Run("a token that no test takes is named", func(t *testing.T) {
		for token, named := range map[string]bool{"00000000.AA": true, "nonsense": false} {
			out, failed := again(t, t.TempDir(), []string{"ASYNCGO_SCHEDULE=" + token}, "-test.run=^TestPCT$/1|^FuzzLostUpdate$")
			if got := strings.Contains(out, "no test that was run has the token ASYNCGO_SCHEDULE="+token); got != named || failed == named {
				t.Errorf("with the token %s it says\n%s", token, out)
			}
		}
	})
	t.Run("each byte is a choice by its remainder, and the first task is chosen without", func(t *testing.T) {
		var order string
		main := func(ctx context.Context) error {
			order = ""
			var fns []program
			for _, name := range "abcd" {
				fns = append(fns, func(context.Context) error { order += string(name); return nil })
			}
			return together(ctx, fns...)
		}
		for schedule, want := range map[string]string{"": "abcd", "\x00": "abcd", "\x03": "dabc", "\x07": "dabc", "\x02\x02\x01\x09": "cdba",
			"\xff\xff\xff": "dacb"} {
			if r := asynctest.FuzzOne(t, []byte(schedule), main); order != want || r.Schedules != 1 {
				t.Errorf("with %q the order is %s and should be %s", schedule, order, want)
			}
		}
	})
	t.Run("every schedule is some bytes", func(t *testing.T) {
		seen := map[string]bool{}
		for n := range 3 * 3 * 3 * 3 * 3 {
			var schedule []byte
			for range 5 { // with the sixth step there is no choice left
				schedule = append(schedule, byte(n%3))
				n /= 3
			}
			var order string
			asynctest.FuzzOne(t, schedule, func(ctx context.Context) error {
				order = ""
				mark := func(name string) program {
					return steps(func() { order += name }, func() { order += name })
				}
				return together(ctx, mark("a"), mark("b"), mark("c"))
			})
			seen[order] = true
		}
		if len(seen) != 90 {
			t.Errorf("%d orders of three tasks of two steps", len(seen))
		}
	})
	t.Run("a failure is shortened and described like that of Explore", func(t *testing.T) {
		m := &mute{TB: t}
		r := asynctest.FuzzOne(m, []byte{3}, lateReader)
		if r.Failed != 1 {
			t.Fatal("it does not fail out of order")
		}
		has(t, m.said, "read before it was written", "This is the schedule of the fuzzer", fmt.Sprintf("ASYNCGO_SCHEDULE=%s", r.Token))
	})
}
