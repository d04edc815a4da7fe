//go:build unix

package main

import (
	"strings"
	"testing"
	"time"

	"github.com/asyncgo/asyncgo/async/asynctest"
)

// TestMain also shows that nothing of a loop outlives it.
func TestMain(m *testing.M) {
	asynctest.VerifyTestMain(m)
}

func TestRunPrintsWhatTheTutorialPrints(t *testing.T) {
	const want = `学习python中...
学习python中...
学习python中...
Alarm clock
a signal has come
^C
^C
^C
Alarm clock
main cleans up
KeyboardInterrupt
`
	// Signals take real time: the alarm has to come before the fourth lesson, half a second later. A machine that is too
	// busy for that gets longer seconds.
	for second := 100 * time.Millisecond; ; second *= 2 {
		var out strings.Builder
		if err := run(&out, second); err != nil {
			t.Fatal(err)
		}
		if out.String() == want {
			return
		}
		if second > time.Second {
			t.Fatalf("the output is\n%s\nand not\n%s", out.String(), want)
		}
	}
}
