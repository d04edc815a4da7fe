package main

import (
	"context"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/asyncgo/asyncgo/async/asynctest"
)

// TestMain also shows that nothing of a pool outlives it. The workers are this test program, too, and never come
// here.
func TestMain(m *testing.M) {
	os.Setenv("GORACE", "atexit_sleep_ms=0 "+os.Getenv("GORACE")) // or each worker process takes a second to end
	asynctest.VerifyTestMain(m)
}

const want = `0 2 4 6 8 10 12 14 16 18 
got /baidu in a worker: true, parse 2443 in a worker: false
got /jd in a worker: true, parse 512 in a worker: false
got /qq in a worker: true, parse 1024 in a worker: false
[0 2 4 6 8 10 12 14 16 18]
in the worker 1, in the main 99
map[a:9 b:2 c:1 n:5 s:1]
`

func TestRun(t *testing.T) {
	var out strings.Builder
	if err := run(context.Background(), &out); err != nil {
		t.Fatal(err)
	}
	if out.String() != want {
		t.Errorf("the output is\n%s\nand not\n%s", &out, want)
	}
}

// The numbers depend on the machine. That waiting goes six times faster beside each other than one after the
// other does not, but a busy machine is not asked.
func TestTable(t *testing.T) {
	var out strings.Builder
	if err := table(context.Background(), &out, 10*time.Millisecond, 1000); err != nil {
		t.Fatal(err)
	}
	form := regexp.MustCompile(`^ +serial  threads  processes\nI/O-bound  1\.0     +\d+\.\d +\d+\.\d\nCPU-bound  1\.0     +\d+\.\d +\d+\.\d\n$`)
	if !form.MatchString(out.String()) {
		t.Errorf("the output is\n%s", &out)
	}
	t.Logf("\n%s", &out)
}
