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

// trace is what CPython prints for the tutorial's three scripts, but for the thousandths of a second.
var trace = []string{
	"task 1 start",
	"task 2 start",
	"task 1 end",
	"task 2 end",
	"cost timer: 1",

	"任务1等待: 1秒",
	"任务2等待: 2秒",
	"任务3等待: 3秒",
	"任务1在1秒后返回结束运行",
	"任务1执行完成",
	"True 2",
	"任务2在2秒后返回结束运行",
	"任务3在3秒后返回结束运行",
	"运行时间:  3",
	"任务执行结果:  2",
	"任务执行结果:  4",
	"任务执行结果:  6",

	"任务1等待: 1秒",
	"任务2等待: 2秒",
	"任务3等待: 3秒",
	"任务1在1秒后返回结束运行",
	"任务2在2秒后返回结束运行",
	"任务3在3秒后返回结束运行",
	"异步任务结果: [2, 4, 6]",
	"运行时间:  3",
}

func TestRunPrintsWhatPythonPrints(t *testing.T) {
	var out strings.Builder
	// In a bubble of package synctest the seven seconds take no time, and exactly seven seconds.
	synctest.Test(t, func(t *testing.T) {
		if err := run(&out); err != nil {
			t.Fatal(err)
		}
	})
	lines := strings.Split(strings.TrimSuffix(out.String(), "\n"), "\n")
	for i := range max(len(lines), len(trace)) {
		var got, want string
		if i < len(lines) {
			got = lines[i]
		}
		if i < len(trace) {
			want = trace[i]
		}
		if got != want {
			t.Fatalf("line %d is %q, Python prints %q; the whole output:\n%s", i+1, got, want, &out)
		}
	}
}

func TestPyList(t *testing.T) {
	for want, list := range map[string][]int{"[]": nil, "[1]": {1}, "[2, 4, 6]": {2, 4, 6}} {
		if got := pyList(list); got != want {
			t.Errorf("pyList(%d) = %s, want %s", list, got, want)
		}
	}
}

func TestPyBool(t *testing.T) {
	if pyBool(true) != "True" || pyBool(false) != "False" {
		t.Errorf("pyBool spells %s and %s, want True and False", pyBool(true), pyBool(false))
	}
}
