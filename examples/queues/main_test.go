package main

import (
	"strings"
	"testing"
	"testing/synctest"

	"github.com/asyncgo/asyncgo/async/asynctest"
)

// TestMain also shows that nothing of a loop outlives it.
func TestMain(m *testing.M) {
	asynctest.VerifyTestMain(m)
}

const printed = `1
2
3
3
2
1
(8, 'data3')
(10, 'data1')
(12, 'data2')
hello
[1 2 3]
1
queue.Full
hello
world
!
queue.Empty
queue.Full
q
q2
q3
queue.Empty
`

func TestRunPrintsWhatPythonPrints(t *testing.T) {
	var out strings.Builder
	// In a bubble of package synctest the waits take no time, and exactly what they say.
	synctest.Test(t, func(t *testing.T) {
		if err := run(&out); err != nil {
			t.Fatal(err)
		}
	})
	if out.String() != printed {
		t.Errorf("the program prints\n%s\nand not\n%s", &out, printed)
	}
}
