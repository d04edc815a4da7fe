package main

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/asyncgo/asyncgo/async/asynctest"
)

// TestMain also shows that nothing of a loop outlives it.
func TestMain(m *testing.M) {
	asynctest.VerifyTestMain(m)
}

// want is what each script prints, with whole seconds that take no time.
var want = map[string]string{
	"two threads":               "current task: thread 1\ncurrent task: thread 2\n",
	"a class with a run method": "---main---\nckl is running\n",
	"without join":              "主线程执行!\n" + strings.Repeat("线程:t1 在执行\n线程:t2 在执行\n", 3),
	"with join":                 strings.Repeat("线程:t1 在执行\n线程:t2 在执行\n", 3) + "主线程执行!\n",
	"daemons":                   "线程:t1 在执行\n线程:t2 在执行\n主线程执行!\n",
	"a daemon and another one":  "-- main --\nw1 is running\nw2 is running\nw1 done\nw2 done\n",
	"a shared variable":         "---main is 1 ---\n",
	"process ids":               "the same id as main: true\n",
	"names and counts": "---main--- Thread-1 alive: true\nThread-1 is running\nactive: 2\n" +
		"main is one of them\nThread-1 is one of them\nalive: false\n",
	"a timer":           "I had laoxi report to me\n",
	"say, format, save": "db.txt:\nHELLO\nWORLD\n",
	"a mutex with a timeout": "Thread-1: num value is 1\nThread-2: num value is 2\nThread-3: num value is 3\n" +
		"Thread-4: num value is 4\nThread-5: num value is 5\n",
	"join or lock":            "cost the time is 15.0 and value is 0\ncost the time is 10.1 and value is 0\n",
	"a mutex around a loop":   "=== 100 times\n!!! 100 times\n*** 100 times\n",
	"a lock taken twice":      "获取第二把锁\ndead lock\n",
	"an RLock taken twice":    "获取第二把锁\ntest.......0\n获取第二把锁\ntest.......1\n获取第二把锁\ntest.......2\n",
	"an RLock in two threads": strings.Repeat("Thread-1\n", 3) + strings.Repeat("Thread-2\n", 3),
	"a fork and a plate": "抢到叉子 需要盘子\n抢到盘子 需要叉子\n" +
		"the fork is with Thread-1, the plate with Thread-2\n吃饭\n",
	"a server, by asking": "正在启动....\n" + strings.Repeat("连接服务器....\nerror 连接失败 服务器未启动!!\n", 4) +
		"连接服务器....\n启动....成功\n连接成功\n",
	"a server, by an event": "正在启动....\n启动....成功\n连接成功!\n",
	"a semaphore":           "11\nat most 5 at a time\n",
}

func TestScriptsPrintWhatPythonPrints(t *testing.T) {
	var out strings.Builder
	s := &script{out: &out, in: strings.NewReader("hello\nworld\n"), second: time.Second}
	parts := s.parts()
	if len(parts) != len(want) {
		t.Errorf("there are %d scripts and %d outputs", len(parts), len(want))
	}
	for _, p := range parts {
		t.Run(p.title, func(t *testing.T) {
			out.Reset()
			asynctest.Run(t, func(ctx context.Context) error { return p.main(ctx) })
			if got := out.String(); got != want[p.title] {
				t.Errorf("it prints\n%s\nand not\n%s", got, want[p.title])
			}
		})
	}
}
