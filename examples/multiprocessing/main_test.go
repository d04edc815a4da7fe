package main

import (
	"os"
	"strings"
	"testing"

	"github.com/asyncgo/asyncgo/async"
	"github.com/asyncgo/asyncgo/async/asynctest"
)

// TestMain is also the main of the processes that the scripts start, which are this test program.
func TestMain(m *testing.M) {
	os.Setenv("GORACE", "atexit_sleep_ms=0 "+os.Getenv("GORACE")) // or each process takes a second to end
	if os.Getenv(targetVar) != "" {
		main()
		return
	}
	asynctest.VerifyTestMain(m)
}

// want is what each script prints.
var want = map[string]string{
	"a process":                 "Process name is subprocess\n",
	"a class with a run method": "process name :0\nprocess name :1\nprocess name :2\n",
	"three at once":             "1 start\n2 start\n3 start\n1 stop\n2 stop\n3 stop\n主进程!!!!\n",
	"process ids":               "the child is another process: true\np.pid is its id: true\nwe are its parent: true\n",
	"names":                     "子进程1\nMainProcess\n主\n子进程[子进程1]运行。。。。\n",
	"a daemon and another one":  "-- main --\nw2 start\nw2 stop\n",
	"alive and terminated":      "alive: true\nalive: false exitcode: -15\n",
	"daemons":                   "崇祯登基\n崇祯驾崩了....\n",
	"a queue":                   "hello\n[1 2 3]\n1\n",
	"a pipe":                    "0 and back: 0\n1 and back: 2\n2 and back: 4\n",
	"a pool": strings.Repeat("Mark~ Mark~ Mark~~~~~~~~~~~~~~~~~~~~~~\n", 5) +
		"msg: hello 0\nmsg: hello 1\nmsg: hello 2\nmsg: hello 3\nmsg: hello 4\nSub-process(es) done.\n",
}

func TestScriptsPrintWhatPythonPrints(t *testing.T) {
	var out strings.Builder
	s := &script{out: &out}
	parts := s.parts()
	if len(parts) != len(want) {
		t.Errorf("there are %d scripts and %d outputs", len(parts), len(want))
	}
	for _, p := range parts {
		t.Run(p.title, func(t *testing.T) {
			out.Reset()
			if err := async.Run(p.main); err != nil {
				t.Fatal(err)
			}
			if got := out.String(); got != want[p.title] {
				t.Errorf("it prints\n%s\nand not\n%s", got, want[p.title])
			}
		})
	}
}
