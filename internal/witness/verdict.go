package witness

import (
	"fmt"
	"runtime"
	"strings"
	"testing"
)

// Verdict runs a test and returns what it fails for, line by line; "" if it passes. The test runs on a goroutine of its
// own, so that FailNow and Fatal end it, and does its cleanups at the end. It only has the methods that fail, Failed,
// Helper, Cleanup and Logf, which is silent.
func Verdict(test func(tb testing.TB)) string {
	d := new(defendant)
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer func() {
			for len(d.cleanups) > 0 {
				last := len(d.cleanups) - 1
				f := d.cleanups[last]
				d.cleanups = d.cleanups[:last]
				f()
			}
		}()
		test(d)
	}()
	<-done
	return strings.Join(d.faults, "\n")
}

// A defendant is a test that fails without failing another one. What it does not have panics.
type defendant struct {
	testing.TB
	faults   []string
	cleanups []func()
}

func (d *defendant) Helper()             {}
func (d *defendant) Logf(string, ...any) {}
func (d *defendant) Failed() bool        { return len(d.faults) > 0 }
func (d *defendant) Cleanup(f func())    { d.cleanups = append(d.cleanups, f) }

func (d *defendant) Error(args ...any) {
	d.faults = append(d.faults, strings.TrimSuffix(fmt.Sprintln(args...), "\n"))
}
func (d *defendant) Errorf(format string, args ...any) { d.Error(fmt.Sprintf(format, args...)) }

func (d *defendant) Fatal(args ...any) {
	d.Error(args...)
	runtime.Goexit()
}

func (d *defendant) Fatalf(format string, args ...any) { d.Fatal(fmt.Sprintf(format, args...)) }
