// Package corpus holds small programs with a mistake that depends on the order of tasks, each with a twin that has none.
// The tests of package asynctest find the mistakes, replay them, and have no complaint about the twins.
//
// It stands below testdata, where the go command's ./... does not look, because its programs are wrong on purpose.
package corpus

import (
	"context"
	"fmt"

	"github.com/asyncgo/asyncgo/async"
)

// A Program is the main of a run.
type Program = func(ctx context.Context) error

// A Bug is a program with a mistake, which FIFO order hides or shows, and the same program without it.
type Bug struct {
	Name   string
	Budget Budget
	Says   string // what the report of the failure has to match, a regular expression
	Buggy  Program
	Fixed  Program
}

// A Budget is how many schedules it may take to find a bug, from each of the seeds that the test tries. The values are about
// one and a half of what the slowest of sixty seeds has needed.
type Budget struct {
	Random int
	PCT    int // of depth 3; zero if that does not find it in thousands
}

// All is all programs.
var All = []Bug{
	lostUpdate,
	withdrawal,
	singleton,
	abba,
	philosophers,
	missedNotify,
	notifyOne,
	ifForWhile,
	barging,
	doubleRelease,
	keptPermit,
	tornPair,
	iteration,
	earlyUse,
	clearedEvent,
	twiceDone,
	eachOther,
	closedInUse,
	sequence,
	staleCache,
	lostPermit,
	lostItem,
	deepOrder,
}

// both makes a Bug of a program that knows whether it is the fixed one.
func both(name string, budget Budget, says string, p func(ctx context.Context, fixed bool) error) Bug {
	return Bug{name, budget, says,
		func(ctx context.Context) error { return p(ctx, false) },
		func(ctx context.Context) error { return p(ctx, true) }}
}

// Together runs functions as tasks named a, b, c … and returns the first error.
func Together(ctx context.Context, fns ...Program) error {
	tasks := make([]*async.Task[async.Void], len(fns))
	for i, fn := range fns {
		tasks[i] = async.Go(ctx, fn, async.Name(string(rune('a'+i))))
	}
	_, err := async.GatherOf(ctx, tasks)
	return err
}

// Pause lets the others run.
func Pause(ctx context.Context) error { return async.Sleep(ctx, 0) }

// Steps calls functions with a pause between them.
func Steps(fns ...func()) Program {
	return func(ctx context.Context) error {
		for i, fn := range fns {
			if i > 0 {
				if err := Pause(ctx); err != nil {
					return err
				}
			}
			fn()
		}
		return nil
	}
}

// Same returns an error if two values differ.
func Same[T comparable](what string, got, want T) error {
	if got != want {
		return fmt.Errorf("%s is %v and should be %v", what, got, want)
	}
	return nil
}

// withLock runs fn, with the lock if it is not nil.
func withLock(ctx context.Context, lock *async.Lock, fn Program) error {
	if lock == nil {
		return fn(ctx)
	}
	return lock.With(ctx, fn)
}

// maybe returns a lock if the program is the fixed one.
func maybe(fixed bool) *async.Lock {
	if fixed {
		return &async.Lock{}
	}
	return nil
}
