package main

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/asyncgo/asyncgo/async/asynctest"
)

// TestMain also shows that nothing of a pool outlives it.
func TestMain(m *testing.M) {
	asynctest.VerifyTestMain(m)
}

// want is what the tutorial's scripts print, with whole seconds.
const want = `spider01 start
spider01 end
spider02 start
spider02 end
时间花销: 8
spider01 start
spider02 start
spider01 end
spider02 end
时间花销: 5
任务1开始!
任务2开始!
任务1结束!
任务3开始!
任务2结束!
任务3结束!
程序耗时4秒钟
future01的结果 1
future02的结果 2
future03的结果 3
<ThreadPoolExecutor-0> get /baidu
<ThreadPoolExecutor-0> parse /baidu: 2443
<ThreadPoolExecutor-0> get /qq
<ThreadPoolExecutor-0> parse /qq: 1024
<ThreadPoolExecutor-0> get /jd
<ThreadPoolExecutor-0> parse /jd: 512
[0 2 4 6 8 10 12 14 16 18]
`

// The waits are in the time of package synctest, where a second takes no time and exactly a second. Only the
// pages come from a real server.
func TestRunPrintsWhatPythonPrints(t *testing.T) {
	var out strings.Builder
	s := &script{out: &out, second: time.Second}
	run := func(part func(context.Context) error) {
		t.Helper()
		if err := part(context.Background()); err != nil {
			t.Fatal(err)
		}
	}
	synctest.Test(t, func(t *testing.T) {
		run(s.serial)
		run(s.threads)
		run(s.futures)
	})
	run(s.callbacks)
	synctest.Test(t, func(t *testing.T) { run(s.mapping) })
	if out.String() != want {
		t.Errorf("the output is\n%s\nand not\n%s", &out, want)
	}
}
