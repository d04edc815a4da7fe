package main

import (
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
)

// TestMain also shows that nothing of a loop outlives it. The two functions are what ants starts
// when it is imported, before any code of ours runs.
func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m,
		goleak.IgnoreAnyFunction("github.com/panjf2000/ants/v2.(*poolCommon).purgeStaleWorkers"),
		goleak.IgnoreAnyFunction("github.com/panjf2000/ants/v2.(*poolCommon).ticktock"),
	)
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
	if err := run(&out, time.Millisecond); err != nil {
		t.Fatal(err)
	}
	if out.String() != printed {
		t.Errorf("the program prints\n%s\nand not\n%s", &out, printed)
	}
}
