package async_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"os"
	"regexp"
	"slices"
	"testing"
	"time"

	"github.com/asyncgo/asyncgo/async"
	"github.com/asyncgo/asyncgo/future"
	"github.com/asyncgo/asyncgo/gather"
)

// nothing is a ctx that nobody has set.
var nothing context.Context

// oneSentence is how a panic about misuse reads.
var oneSentence = regexp.MustCompile(`^(async|future|gather): [^\n]+[^\n.]$`)

// elsewhere runs f on a plain goroutine, and panics here if it panics there.
func elsewhere(f func()) {
	panicked := make(chan any)
	go func() {
		defer func() { panicked <- recover() }()
		f()
	}()
	if v := <-panicked; v != nil {
		panic(v)
	}
}

// panicOf returns the text that fn panics with, or what else it has done.
func panicOf(fn func()) (text string) {
	defer func() {
		switch v := recover().(type) {
		case nil:
			text = "no panic"
		case string:
			text = v
		default:
			text = fmt.Sprintf("a panic with a %T: %v", v, v)
		}
	}()
	fn()
	return ""
}

// refusesInTask fails the test if misuse, called in a task, does not panic with one plain sentence that begins with the name of a
// package.
func refusesInTask(t *testing.T, misuse func(ctx context.Context)) {
	t.Helper()
	guarded(t, func() {
		onVirtual(t, func(ctx context.Context) error {
			// In a task of its own, so that a wait that is not refused does not hang the test.
			task := async.Go(ctx, func(ctx context.Context) error {
				misuse(ctx)
				return nil
			})
			check(async.Sleep(ctx, 2*time.Hour))
			var caught *async.PanicError
			if err := task.Err(); !errors.As(err, &caught) {
				t.Errorf("the task is %v and its error %v", task, err)
				return nil
			}
			if s, ok := caught.Value.(string); !ok || !oneSentence.MatchString(s) {
				t.Errorf("the panic is %v", caught.Value)
			}
			return nil
		})
	})
}

func TestBadInput(t *testing.T) {
	var (
		noFuture *async.Future[int]
		noTask   *async.Task[int]
		noCo     async.Coroutine[int]
		noItems  iter.Seq[int]
		noLoop   *async.Loop
		noGroup  *async.TaskGroup
		aVar     = async.NewContextVar("a", 0)
		double   = func(_ context.Context, n int) (int, error) { return 2 * n, nil }
		empty    = func(context.Context) error { return nil }
		answer   = func(context.Context) (int, error) { return 42, nil }
		onGroup  = func(context.Context, *async.TaskGroup) error { return nil }
		onTime   = func(context.Context, *async.TimeoutScope) error { return nil }
	)
	// Each of these panics with one plain sentence that begins with the name of a package.
	for name, misuse := range map[string]func(ctx context.Context){
		"a nil Coroutine is awaited":         func(ctx context.Context) { noCo.Await(ctx) },
		"a nil Coroutine becomes a task":     func(ctx context.Context) { async.CreateTask(ctx, noCo) },
		"a nil Coroutine starts":             func(ctx context.Context) { noCo.Start(ctx) },
		"a nil function becomes a task":      func(ctx context.Context) { async.Go(ctx, nil) },
		"a nil function becomes a Coroutine": func(context.Context) { async.Do(nil) },
		"a nil Coroutine is ensured":         func(ctx context.Context) { async.EnsureFuture(ctx, async.Awaitable[int](noCo)) },
		"nil is ensured":                     func(ctx context.Context) { async.EnsureFuture[int](ctx, nil) },
		"a nil Future is ensured":            func(ctx context.Context) { async.EnsureFuture(ctx, async.Awaitable[int](noFuture)) },
		"a nil Task is ensured":              func(ctx context.Context) { async.EnsureFuture(ctx, async.Awaitable[int](noTask)) },
		"a nil Future is awaited":            func(ctx context.Context) { noFuture.Await(ctx) },
		"a nil Task is awaited":              func(ctx context.Context) { noTask.Await(ctx) },
		"a nil Future gets a callback":       func(context.Context) { noFuture.AddDoneCallback(func(*async.Future[int]) {}) },
		"a nil Task gets a callback":         func(context.Context) { noTask.AddDoneCallback(func(*async.Future[int]) {}) },
		"a Future gets a nil callback":       func(ctx context.Context) { async.NewFuture[int](ctx).AddDoneCallback(nil) },
		"a Future gets a nil error":          func(ctx context.Context) { async.NewFuture[int](ctx).SetError(nil) },
		"nil is shielded":                    func(ctx context.Context) { async.Shield[int](ctx, nil) },
		"a nil Future is shielded":           func(ctx context.Context) { async.Shield[int](ctx, noFuture) },
		"a nil Task is shielded":             func(ctx context.Context) { async.Shield[int](ctx, noTask) },
		"nil is waited for":                  func(ctx context.Context) { async.WaitFor[int](ctx, nil, time.Second) },
		"a nil Future is waited for":         func(ctx context.Context) { async.WaitFor[int](ctx, noFuture, time.Second) },
		"a nil Future is waited for at once": func(ctx context.Context) { async.WaitFor[int](ctx, noFuture, 0) },
		"a nil Task is waited for at once":   func(ctx context.Context) { async.WaitFor[int](ctx, noTask, 0) },
		"nil is gathered":                    func(ctx context.Context) { async.Gather[int](ctx, nil) },
		"a nil Future is gathered":           func(ctx context.Context) { async.Gather[int](ctx, noFuture) },
		"a nil Task is gathered":             func(ctx context.Context) { async.GatherOf(ctx, []*async.Task[int]{noTask}) },
		"a nil Coroutine is gathered":        func(ctx context.Context) { async.GatherSettled[int](ctx, noCo) },
		"a nil Coroutine is one of two":      func(ctx context.Context) { async.Gather2[int, int](ctx, async.After(0, 1), noCo) },
		"a nil Task is in Wait":              func(ctx context.Context) { async.Wait(ctx, []*async.Task[int]{noTask}) },
		"a nil Future is in Completed":       func(ctx context.Context) { async.Completed(ctx, []*async.Future[int]{noFuture}) },
		"a nil Task is in AsCompleted":       func(ctx context.Context) { async.AsCompleted[int](ctx, noTask) },
		"a nil Future races":                 func(ctx context.Context) { async.Race[int](ctx, noFuture) },
		"Map has a negative limit":           func(ctx context.Context) { gather.Map(ctx, -1, slices.Values([]int{1}), double) },
		"Map has no function":                func(ctx context.Context) { gather.Map[int, int](ctx, 1, slices.Values([]int{1}), nil) },
		"Map has no items":                   func(ctx context.Context) { gather.Map(ctx, 1, noItems, double) },
		"a group has no body":                func(ctx context.Context) { async.WithTaskGroup(ctx, nil) },
		"a group is nil":                     func(context.Context) { noGroup.Go(empty) },
		"a group gets a nil function": func(ctx context.Context) {
			check(async.WithTaskGroup(ctx, func(_ context.Context, tg *async.TaskGroup) error { tg.Go(nil); return nil }))
		},
		"a group gets a nil Coroutine": func(ctx context.Context) {
			check(async.WithTaskGroup(ctx, func(_ context.Context, tg *async.TaskGroup) error { async.Spawn(tg, noCo); return nil }))
		},
		"a timeout has no body":                 func(ctx context.Context) { async.Timeout(ctx, time.Second, nil) },
		"ToThread has no function":              func(ctx context.Context) { async.ToThread[int](ctx, nil) },
		"Block has no function":                 func(ctx context.Context) { async.Block[int](ctx, nil) },
		"an executor has no function":           func(ctx context.Context) { async.RunInExecutor[int](ctx, nil, nil) },
		"Run has no main":                       func(context.Context) { async.Run(nil) },
		"RunResult has no main":                 func(context.Context) { async.RunResult[int](nil) },
		"a nil Awaitable runs to its end":       func(context.Context) { async.RunUntilComplete[int](async.NewLoop(), nil) },
		"a nil Loop runs to an end":             func(context.Context) { async.RunUntilComplete(noLoop, async.After(0, 1)) },
		"a nil Loop gets a coroutine":           func(context.Context) { async.RunCoroutineThreadsafe(noLoop, async.After(0, 1)) },
		"a loop gets a nil callback":            func(ctx context.Context) { running(ctx).CallSoon(nil) },
		"a loop gets a nil callback for later":  func(ctx context.Context) { running(ctx).CallLater(1, nil) },
		"a loop gets a nil callback for a time": func(ctx context.Context) { running(ctx).CallAt(1, nil) },
		"a slow task takes no time":             func(context.Context) { async.SlowTask(0) },
		"a slow task takes negative time":       func(context.Context) { async.SlowTask(-1) },
		"a loop takes its values from nil":      func(context.Context) { async.WithContext(nothing) },

		"a task sleeps with a nil ctx":               func(context.Context) { async.Sleep(nothing, time.Second) },
		"a task gives way with a nil ctx":            func(context.Context) { async.Sleep(nothing, 0) },
		"a future is awaited with a nil ctx":         func(ctx context.Context) { async.NewFuture[int](ctx).Await(nothing) },
		"a task is created with a nil ctx":           func(context.Context) { async.Go(nothing, empty) },
		"a future is made with a nil ctx":            func(context.Context) { async.NewFuture[int](nothing) },
		"a timeout has a nil ctx":                    func(context.Context) { async.Timeout(nothing, time.Second, onTime) },
		"a ctx with a timeout is made of nil":        func(context.Context) { async.WithTimeout(nothing, time.Second) },
		"a group has a nil ctx":                      func(context.Context) { async.WithTaskGroup(nothing, onGroup) },
		"ToThread has a nil ctx":                     func(context.Context) { async.ToThread(nothing, answer) },
		"an executor has a nil ctx":                  func(context.Context) { async.RunInExecutor(nothing, nil, func() (int, error) { return 0, nil }) },
		"a gather has a nil ctx":                     func(ctx context.Context) { async.Gather(nothing, async.Awaitable[int](async.NewFuture[int](ctx))) },
		"a wait for several has a nil ctx":           func(ctx context.Context) { async.Wait(nothing, []*async.Future[int]{async.NewFuture[int](ctx)}) },
		"all tasks are asked for with a nil ctx":     func(context.Context) { async.AllTasks(nothing) },
		"the loop is asked for with a nil ctx":       func(context.Context) { async.RunningLoop(nothing) },
		"a plain goroutine awaits with a nil ctx":    func(ctx context.Context) { elsewhere(func() { async.NewFuture[int](ctx).Await(nothing) }) },
		"a plain goroutine sleeps with a nil ctx":    func(context.Context) { elsewhere(func() { async.Sleep(nothing, time.Second) }) },
		"a plain goroutine gives way with a nil ctx": func(context.Context) { elsewhere(func() { async.Sleep(nothing, 0) }) },

		"a future fails with no error": func(context.Context) { future.Failed[int](nil) },
		"an executor is nil":           func(context.Context) { future.Submit(nil, func() (int, error) { return 0, nil }) },
		"an executor is a nil Pool":    func(context.Context) { future.Submit((*future.Pool)(nil), func() (int, error) { return 0, nil }) },
		"an executor of the loop's is a nil Pool": func(ctx context.Context) {
			async.RunInExecutor(ctx, (*future.Pool)(nil), func() (int, error) { return 0, nil })
		},
		"a Pool is submitted no function":          func(context.Context) { future.Submit[int](new(future.Pool), nil) },
		"a Pool executes no function":              func(context.Context) { check(new(future.Pool).Execute(nil)) },
		"a Pool has a negative size":               func(context.Context) { future.NewPool(-1) },
		"a Pool is shut down with a nil ctx":       func(context.Context) { check(new(future.Pool).Shutdown(nothing)) },
		"nil is shielded as a future":              func(ctx context.Context) { async.ShieldFuture[int](ctx, nil) },
		"a shield has a nil ctx":                   func(ctx context.Context) { async.ShieldFuture[int](nothing, async.NewFuture[int](ctx)) },
		"nil is waited for without a limit":        func(ctx context.Context) { async.WaitFor[int](ctx, nil, async.Forever) },
		"a nil Task is waited for without a limit": func(ctx context.Context) { async.WaitFor[int](ctx, noTask, async.Forever) },
		"a wait with a limit has a nil ctx":        func(ctx context.Context) { async.WaitFor[int](nothing, async.NewFuture[int](ctx), 1) },
		"a wait with no time has a nil ctx":        func(ctx context.Context) { async.WaitFor[int](nothing, async.NewFuture[int](ctx), 0) },
		"a timeout at a time has no body":          func(ctx context.Context) { check(async.TimeoutAt(ctx, 1, nil)) },
		"a timeout at a time has a nil ctx":        func(context.Context) { check(async.TimeoutAt(nothing, 1, onTime)) },
		"a nil Coroutine is one of three": func(ctx context.Context) {
			async.Gather3[int, int, int](ctx, noFuture, async.After(0, 1), async.After(0, 1))
		},
		"nil is one of four": func(ctx context.Context) {
			async.Gather4[int, int, int, int](ctx, async.After(0, 1), async.After(0, 1), async.After(0, 1), nil)
		},
		"nil is settled":                              func(ctx context.Context) { async.GatherSettled[int](ctx, nil) },
		"nil is gathered as a future":                 func(ctx context.Context) { async.GatherFuture[int](ctx, nil) },
		"a nil Future settles as a future":            func(ctx context.Context) { gather.SettledFuture[int](ctx, noFuture) },
		"a nil Task is in a slice to settle":          func(ctx context.Context) { async.GatherSettledOf(ctx, []*async.Task[int]{noTask}) },
		"a nil Task is in a slice of AsCompleted":     func(ctx context.Context) { async.AsCompletedOf(ctx, []*async.Task[int]{noTask}) },
		"Any gets nil":                                func(ctx context.Context) { gather.Any[int](ctx, nil) },
		"Any has a nil ctx":                           func(context.Context) { gather.Any[int](nothing, async.After(0, 1)) },
		"Race has a nil ctx":                          func(context.Context) { async.Race[int](nothing, async.After(0, 1)) },
		"AsCompleted has a nil ctx":                   func(ctx context.Context) { async.AsCompleted[int](nothing, async.NewFuture[int](ctx)) },
		"Completed has a nil ctx":                     func(ctx context.Context) { async.Completed(nothing, []*async.Future[int]{async.NewFuture[int](ctx)}) },
		"Map has a nil ctx":                           func(context.Context) { gather.Map(nothing, 1, slices.Values([]int{1}), double) },
		"the current task is asked for with nil":      func(context.Context) { async.CurrentTask(nothing) },
		"Uncancel has a nil ctx":                      func(context.Context) { async.Uncancel(nothing) },
		"Block has a nil ctx":                         func(context.Context) { async.Block(nothing, answer) },
		"CopyVars has a nil ctx":                      func(context.Context) { async.CopyVars(nothing) },
		"a loop gets a nil callback from outside":     func(ctx context.Context) { running(ctx).CallSoonThreadsafe(nil) },
		"a loop gets a nil handler of a signal":       func(ctx context.Context) { check(running(ctx).AddSignalHandler(os.Interrupt, nil)) },
		"a loop gets a handler of no signal":          func(ctx context.Context) { check(running(ctx).AddSignalHandler(nil, func() {})) },
		"a nil Loop gets a nil Coroutine":             func(context.Context) { async.RunCoroutineThreadsafe(noLoop, noCo) },
		"a loop gets a nil Coroutine":                 func(ctx context.Context) { async.RunCoroutineThreadsafe(running(ctx), noCo) },
		"Runner.Run has no main":                      func(context.Context) { check(async.NewRunner().Run(nil)) },
		"RunIn has no main":                           func(context.Context) { async.RunIn[int](async.NewRunner(), nil) },
		"a variable is set outside of every task":     func(context.Context) { elsewhere(func() { aVar.Set(context.Background(), 1) }) },
		"a variable is read with a nil ctx":           func(context.Context) { aVar.Get(nothing) },
		"a variable is set with a nil ctx":            func(context.Context) { aVar.Set(nothing, 1) },
		"a variable is reset with a nil ctx":          func(ctx context.Context) { aVar.Reset(nothing, aVar.Set(ctx, 1)) },
		"a variable is reset with no token":           func(ctx context.Context) { aVar.Reset(ctx, async.Token{}) },
		"a variable is reset with another's token":    func(ctx context.Context) { aVar.Reset(ctx, async.NewContextVar("b", 0).Set(ctx, 1)) },
		"a variable is looked up in nil":              func(context.Context) { aVar.ValueIn(nil) },
		"a plain goroutine reads with a nil ctx":      func(context.Context) { elsewhere(func() { aVar.Get(nothing) }) },
		"a plain goroutine asks for all tasks of nil": func(context.Context) { elsewhere(func() { async.AllTasks(nothing) }) },
		"a plain goroutine copies vars of nil":        func(context.Context) { elsewhere(func() { async.CopyVars(nothing) }) },
	} {
		t.Run("a panic in one sentence when "+name, func(t *testing.T) { refusesInTask(t, misuse) })
	}
}

// methodsOfFuture returns calls of all methods of a future that a program has by mistake, and the functions below do so for other types.
func methodsOfFuture(f *async.Future[int]) map[string]func(ctx context.Context) {
	return map[string]func(ctx context.Context){
		"SetResult":       func(context.Context) { check(f.SetResult(1)) },
		"SetError":        func(context.Context) { check(f.SetError(errors.New("bad"))) },
		"Cancel":          func(context.Context) { f.Cancel() },
		"Done":            func(context.Context) { f.Done() },
		"IsDone":          func(context.Context) { f.IsDone() },
		"Cancelled":       func(context.Context) { f.Cancelled() },
		"Result":          func(context.Context) { f.Result() },
		"Err":             func(context.Context) { f.Err() },
		"Await":           func(ctx context.Context) { f.Await(ctx) },
		"AddDoneCallback": func(context.Context) { f.AddDoneCallback(func(*async.Future[int]) {}) },
		"String":          func(context.Context) { _ = f.String() },
	}
}

func methodsOfTask(task *async.Task[int]) map[string]func(ctx context.Context) {
	return map[string]func(ctx context.Context){
		"Name":            func(context.Context) { task.Name() },
		"SetName":         func(context.Context) { task.SetName("name") },
		"ID":              func(context.Context) { task.ID() },
		"Cancel":          func(context.Context) { task.Cancel() },
		"Cancelling":      func(context.Context) { task.Cancelling() },
		"Future":          func(context.Context) { task.Future() },
		"Done":            func(context.Context) { task.Done() },
		"IsDone":          func(context.Context) { task.IsDone() },
		"Cancelled":       func(context.Context) { task.Cancelled() },
		"Result":          func(context.Context) { task.Result() },
		"Err":             func(context.Context) { task.Err() },
		"Await":           func(ctx context.Context) { task.Await(ctx) },
		"AddDoneCallback": func(context.Context) { task.AddDoneCallback(func(*async.Future[int]) {}) },
		"String":          func(context.Context) { _ = task.String() },
		"EnsureFuture":    func(ctx context.Context) { async.EnsureFuture(ctx, task) },
		"Gather":          func(ctx context.Context) { async.Gather[int](ctx, task) },
		"GatherSettled":   func(ctx context.Context) { async.GatherSettled[int](ctx, task) },
		"Race":            func(ctx context.Context) { async.Race[int](ctx, task) },
		"Wait":            func(ctx context.Context) { async.Wait(ctx, []*async.Task[int]{task}) },
		"Completed":       func(ctx context.Context) { async.Completed(ctx, []*async.Task[int]{task}) },
		"AsCompleted":     func(ctx context.Context) { async.AsCompleted[int](ctx, task) },
		"Shield":          func(ctx context.Context) { async.Shield[int](ctx, task) },
		"WaitFor":         func(ctx context.Context) { async.WaitFor(ctx, task, time.Second) },
		"WaitFor at once": func(ctx context.Context) { async.WaitFor(ctx, task, 0) },
	}
}

func methodsOfLoop(l *async.Loop) map[string]func(ctx context.Context) {
	co := async.After(0, 1)
	return map[string]func(ctx context.Context){
		"Context":                 func(context.Context) { l.Context() },
		"RunForever":              func(context.Context) { check(l.RunForever()) },
		"RunUntilComplete":        func(context.Context) { async.RunUntilComplete(l, co) },
		"RunCoroutineThreadsafe":  func(context.Context) { async.RunCoroutineThreadsafe(l, co) },
		"Stop":                    func(context.Context) { l.Stop() },
		"Close":                   func(context.Context) { check(l.Close()) },
		"IsRunning":               func(context.Context) { l.IsRunning() },
		"IsClosed":                func(context.Context) { l.IsClosed() },
		"Time":                    func(context.Context) { l.Time() },
		"CallSoon":                func(context.Context) { l.CallSoon(func() {}) },
		"CallSoonThreadsafe":      func(context.Context) { l.CallSoonThreadsafe(func() {}) },
		"CallLater":               func(context.Context) { l.CallLater(1, func() {}) },
		"CallAt":                  func(context.Context) { l.CallAt(1, func() {}) },
		"SetDebug":                func(context.Context) { l.SetDebug(true) },
		"Debug":                   func(context.Context) { l.Debug() },
		"SetExceptionHandler":     func(context.Context) { l.SetExceptionHandler(nil) },
		"CallExceptionHandler":    func(context.Context) { l.CallExceptionHandler(async.ExceptionContext{}) },
		"DefaultExceptionHandler": func(context.Context) { l.DefaultExceptionHandler(async.ExceptionContext{}) },
		"Stats":                   func(context.Context) { async.Stats(l) },
	}
}

func methodsOfGroup(tg *async.TaskGroup) map[string]func(ctx context.Context) {
	return map[string]func(ctx context.Context){
		"Go":     func(context.Context) { tg.Go(func(context.Context) error { return nil }) },
		"Spawn":  func(context.Context) { async.Spawn(tg, async.After(0, 1)) },
		"Errs":   func(context.Context) { tg.Errs() },
		"String": func(context.Context) { _ = tg.String() },
	}
}

func methodsOfTimeout(ts *async.TimeoutScope) map[string]func(ctx context.Context) {
	return map[string]func(ctx context.Context){
		"When":       func(context.Context) { ts.When() },
		"Expired":    func(context.Context) { ts.Expired() },
		"Reschedule": func(context.Context) { check(ts.Reschedule(1)) },
		"String":     func(context.Context) { _ = ts.String() },
	}
}

func methodsOfHandle(h *async.Handle) map[string]func(ctx context.Context) {
	return map[string]func(ctx context.Context){
		"Cancel":    func(context.Context) { h.Cancel() },
		"Cancelled": func(context.Context) { h.Cancelled() },
	}
}

func methodsOfVar(v *async.ContextVar[int]) map[string]func(ctx context.Context) {
	return map[string]func(ctx context.Context){
		"Name":    func(context.Context) { v.Name() },
		"Get":     func(ctx context.Context) { v.Get(ctx) },
		"Set":     func(ctx context.Context) { v.Set(ctx, 1) },
		"Reset":   func(ctx context.Context) { v.Reset(ctx, async.Token{}) },
		"ValueIn": func(ctx context.Context) { v.ValueIn(async.CopyVars(ctx)) },
	}
}

func methodsOfPool(p *future.Pool) map[string]func(ctx context.Context) {
	return map[string]func(ctx context.Context){
		"Execute":       func(context.Context) { check(p.Execute(func() {})) },
		"Shutdown":      func(ctx context.Context) { check(p.Shutdown(ctx)) },
		"CancelPending": func(context.Context) { p.CancelPending() },
		"Stats":         func(context.Context) { p.Stats() },
		"String":        func(context.Context) { _ = p.String() },
	}
}

func TestNilAndZeroReceivers(t *testing.T) {
	var timer async.TimerHandle
	for name, methods := range map[string]map[string]func(ctx context.Context){
		"a nil Future":         methodsOfFuture(nil),
		"a nil Task":           methodsOfTask(nil),
		"a zero Task":          methodsOfTask(new(async.Task[int])),
		"a nil Loop":           methodsOfLoop(nil),
		"a zero Loop":          methodsOfLoop(new(async.Loop)),
		"a nil TaskGroup":      methodsOfGroup(nil),
		"a zero TaskGroup":     methodsOfGroup(new(async.TaskGroup)),
		"a nil TimeoutScope":   methodsOfTimeout(nil),
		"a zero TimeoutScope":  methodsOfTimeout(new(async.TimeoutScope)),
		"a nil Handle":         methodsOfHandle(nil),
		"a zero Handle":        methodsOfHandle(new(async.Handle)),
		"a zero TimerHandle":   methodsOfHandle(&timer.Handle),
		"the When of a handle": {"zero": func(context.Context) { timer.When() }, "nil": func(context.Context) { (*async.TimerHandle)(nil).When() }},
		"a nil ContextVar":     methodsOfVar(nil),
		"a nil Pool":           methodsOfPool(nil),
		"a zero Runner":        {"Loop": func(context.Context) { new(async.Runner).Loop() }},
	} {
		t.Run(name+" says in one sentence what it is", func(t *testing.T) {
			for method, misuse := range methods {
				t.Run("of "+method+" in a task", func(t *testing.T) { refusesInTask(t, misuse) })
				t.Run("of "+method+" elsewhere", func(t *testing.T) {
					if text := panicOf(func() { misuse(context.Background()) }); !oneSentence.MatchString(text) {
						t.Error(text)
					}
				})
			}
		})
	}
}

func TestZeroValuesThatWork(t *testing.T) {
	t.Run("a zero Future is a pending one without a loop", func(t *testing.T) {
		var f future.Future[int]
		expectEqual(t, "IsDone", f.IsDone(), false)
		_, err := f.Result()
		expectError(t, "the result", err, async.ErrInvalidState)
		check(f.SetResult(1))
		expectEqual(t, "the result", must(f.Await(context.Background())), 1)
	})
	t.Run("a zero Pool runs functions", func(t *testing.T) {
		guarded(t, func() {
			var p future.Pool
			expectEqual(t, "its Stats", p.Stats(), future.PoolStats{})
			expectEqual(t, "the work that CancelPending finds", p.CancelPending(), 0)
			expectEqual(t, "the result", must(future.Submit(&p, func() (int, error) { return 1, nil }).Await(context.Background())), 1)
			check(p.Shutdown(context.Background()))
			expectError(t, "Execute after Shutdown", p.Execute(func() {}), async.ErrShutdown)
		})
	})
	t.Run("a zero Pool that nobody used can be shut down twice", func(t *testing.T) {
		var p future.Pool
		check(p.Shutdown(context.Background()))
		check(p.Shutdown(context.Background()))
		expectError(t, "Execute after Shutdown", p.Execute(func() {}), async.ErrShutdown)
	})
	t.Run("a zero Runner can be closed", func(t *testing.T) {
		var r async.Runner
		r.Close()
		_, err := r.Loop()
		expectError(t, "Loop after Close", err, async.ErrRunnerClosed)
	})
	t.Run("a zero ContextVar has no name and its values begin with zero", onLoop(func(ctx context.Context, t *testing.T) {
		var v async.ContextVar[int]
		expectEqual(t, "the name", v.Name(), "")
		token := v.Set(ctx, 1)
		expectEqual(t, "the value", v.Get(ctx), 1)
		v.Reset(ctx, token)
		expectEqual(t, "the value after Reset", v.Get(ctx), 0)
		expectEqual(t, "the value in no set", v.ValueIn(new(async.Vars)), 0)
	}))
	t.Run("zero errors have a text", func(t *testing.T) {
		for _, err := range []error{
			&async.PanicError{}, &async.CancelledError{}, &async.ErrorGroup{}, &async.ErrorGroup{Msg: "several", Errs: []error{nil}},
		} {
			if err.Error() == "" {
				t.Errorf("a zero %T says nothing", err)
			}
		}
	})
	t.Run("nil options change nothing", func(t *testing.T) {
		guarded(t, func() {
			expectError(t, "Run", async.Run(func(ctx context.Context) error {
				task := async.CreateTask(ctx, async.After(0, 1), nil, async.InVars(nil), async.Name(""))
				done, _, err := async.Wait(ctx, []*async.Task[int]{task}, nil)
				expectEqual(t, "the number of tasks that are done", len(done), 1)
				expectEqual(t, "the beginning of the name", task.Name()[:5], "Task-")
				return err
			}, nil, async.Logger(nil), async.Clock(nil), async.DefaultExecutor(nil), async.ExceptionHandler(nil), async.Signals()), nil)
			check(future.NewPool(0, nil).Shutdown(context.Background()))
		})
	})
	t.Run("an ExceptionContext is reported whatever is missing in it", func(t *testing.T) {
		var r chronicle
		l := newTestLoop(t, logTo(func(rec slog.Record) { r.add("%s", rec.Message) }))
		for _, c := range []async.ExceptionContext{
			{},
			{Task: (*async.Task[int])(nil), Handle: new(async.Handle), Message: "nothing in it"},
			{Task: new(async.Task[int]), Message: "nothing made"},
		} {
			l.CallExceptionHandler(c)
			l.DefaultExceptionHandler(c)
		}
		check(l.Close())
		r.expect(t, "unhandled exception in event loop", "unhandled exception in event loop",
			"nothing in it", "nothing in it", "nothing made", "nothing made")
	})
}

func TestNothingToWaitFor(t *testing.T) {
	none := context.Background()
	for _, where := range []struct {
		name string
		test func(func(ctx context.Context, t *testing.T)) func(*testing.T)
	}{
		{"in a task", func(body func(ctx context.Context, t *testing.T)) func(*testing.T) { return onLoop(body) }},
		{"on a plain goroutine", func(body func(ctx context.Context, t *testing.T)) func(*testing.T) {
			return func(t *testing.T) { guarded(t, func() { body(none, t) }) }
		}},
	} {
		t.Run("what waits for nothing "+where.name+" returns at once or says so", where.test(func(ctx context.Context, t *testing.T) {
			_, _, err := async.Wait[*async.Task[int]](ctx, nil)
			expectError(t, "Wait", err, gather.ErrNothing)
			_, _, err = async.Wait(ctx, []*async.Future[int]{}, async.FirstCompleted, async.Within(-1))
			expectError(t, "Wait with options", err, gather.ErrNothing)
			_, err = async.Race[int](ctx)
			expectError(t, "Race", err, gather.ErrNothing)
			_, err = gather.Any[int](ctx)
			expectError(t, "Any", err, gather.ErrNothing)
			expectEqual(t, "the length of Gather", len(must(async.Gather[int](ctx))), 0)
			expectEqual(t, "the length of GatherOf", len(must(async.GatherOf[int, *async.Task[int]](ctx, nil))), 0)
			expectEqual(t, "the length of GatherSettled", len(must(async.GatherSettled[int](ctx))), 0)
			expectEqual(t, "the length of Map", len(must(gather.Map(ctx, 3, slices.Values([]int(nil)), func(context.Context, int) (int, error) { return 0, nil }))), 0)
			for range async.AsCompleted[int](ctx) {
				t.Error("AsCompleted of nothing yields something")
			}
			for range async.Completed[*async.Task[int]](ctx, nil) {
				t.Error("Completed of nothing yields something")
			}
		}))
	}
}

func TestTimesThatArePast(t *testing.T) {
	// The longest and the shortest Duration must not run over into each other.
	const longest, shortest = async.Forever, -1 << 63
	t.Run("a negative time is no time", onLoop(func(ctx context.Context, t *testing.T) {
		// The virtual clock begins at zero, where what runs over does so in another way.
		for i, d := range []time.Duration{0, -1, shortest, 0, -1, shortest} {
			if i == 3 {
				check(async.Sleep(ctx, time.Hour))
			}
			before := now(ctx)
			check(async.Sleep(ctx, d))
			expectEqual(t, "the result of After", must(async.After(d, 1).Await(ctx)), 1)
			_, err := async.WaitFor(ctx, async.Coroutine[int](forever), d)
			expectError(t, "WaitFor", err, async.ErrTimeout)
			err = async.Timeout(ctx, d, func(ctx context.Context, _ *async.TimeoutScope) error { return hanging(ctx) })
			expectError(t, "Timeout", err, async.ErrTimeout)
			limited, cancel := async.WithTimeout(ctx, d)
			expectError(t, "a wait with WithTimeout", hanging(limited), async.ErrTimeout)
			cancel()
			_, pending, err := async.Wait(ctx, []*async.Future[int]{async.NewFuture[int](ctx)}, async.Within(d))
			expectError(t, "Wait", err, nil)
			expectEqual(t, "the number of those that Wait finds pending", len(pending), 1)
			called := async.NewFuture[int](ctx)
			running(ctx).CallLater(d, func() { check(called.SetResult(1)) })
			must(called.Await(ctx))
			called = async.NewFuture[int](ctx)
			running(ctx).CallAt(d, func() { check(called.SetResult(1)) })
			must(called.Await(ctx))
			expectEqual(t, "the time that has passed", now(ctx)-before, 0)
		}
	}))
	t.Run("the longest time never comes", onLoop(func(ctx context.Context, t *testing.T) {
		check(async.Sleep(ctx, time.Hour))
		never := func() { t.Error("a timer for the end of time has fired") }
		running(ctx).CallLater(longest, never)
		running(ctx).CallAt(longest, never)
		waits := map[string]func(ctx context.Context) error{
			"Sleep": func(ctx context.Context) error { return async.Sleep(ctx, longest) },
			"WaitFor": func(ctx context.Context) error {
				return errorOf(async.WaitFor(ctx, async.Coroutine[int](forever), longest-1))
			},
			"Timeout": func(ctx context.Context) error {
				return async.Timeout(ctx, longest-1, func(ctx context.Context, _ *async.TimeoutScope) error { return hanging(ctx) })
			},
			"WithTimeout": func(ctx context.Context) error {
				ctx, cancel := async.WithTimeout(ctx, longest-1)
				defer cancel()
				return hanging(ctx)
			},
			"Wait": func(ctx context.Context) error {
				_, _, err := async.Wait(ctx, []*async.Future[int]{async.NewFuture[int](ctx)}, async.Within(longest))
				return err
			},
		}
		for name, wait := range waits {
			task := async.Go(ctx, wait)
			check(async.Sleep(ctx, time.Hour))
			expectEqual(t, name+" is over", task.IsDone(), false)
			task.Cancel()
			waitFor(ctx, task)
			expectEqual(t, name+" is cancelled", task.Cancelled(), true)
		}
	}))
}

// errorOf drops a result.
func errorOf[T any](_ T, err error) error { return err }
