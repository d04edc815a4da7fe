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

// printed is what CPython prints for the same program on asyncio, where a pause is a sleep(0) too.
const printed = `邵钻钻的热狗店 制作了一个热狗 0
egon的热狗店 制作了一个热狗 0
老王的热狗店 制作了一个热狗 0
邵钻钻的热狗店 制作了一个热狗 1
egon的热狗店 制作了一个热狗 1
老王的热狗店 制作了一个热狗 1
思聪 吃了邵钻钻的热狗店生产的热狗0
邵钻钻的热狗店 制作了一个热狗 2
李哲 吃了egon的热狗店生产的热狗0
egon的热狗店 制作了一个热狗 2
老王的热狗店 制作了一个热狗 2
思聪 吃了老王的热狗店生产的热狗0
李哲 吃了邵钻钻的热狗店生产的热狗1
思聪 吃了egon的热狗店生产的热狗1
李哲 吃了老王的热狗店生产的热狗1
思聪 吃了邵钻钻的热狗店生产的热狗2
李哲 吃了egon的热狗店生产的热狗2
思聪 吃了老王的热狗店生产的热狗2
主进程over
`

// Without time the order of the lines is the loop's, and the same on every run.
func TestRunPrintsWhatPythonPrints(t *testing.T) {
	var out strings.Builder
	if err := run(&out, func() time.Duration { return 0 }); err != nil {
		t.Fatal(err)
	}
	if out.String() != printed {
		t.Errorf("the program prints\n%s\nand not\n%s", &out, printed)
	}
}
