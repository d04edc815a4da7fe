package async_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"regexp"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/asyncgo/asyncgo/async"
	"github.com/asyncgo/asyncgo/future"
)

// bare strikes folders, lines, names of closures and the numbers of tasks from a text.
func bare(text string) string {
	text = regexp.MustCompile(`\S*/(\w+\.go):\d+`).ReplaceAllString(text, "$1")
	text = regexp.MustCompile(`, in \S*[.](await|TestC)\S*`).ReplaceAllString(text, "")
	return regexp.MustCompile(`Task-\d+`).ReplaceAllString(text, "Task-1")
}

// wantTree fails the test if the tree of the tasks of ctx's loop is another one.
func wantTree(t *testing.T, ctx context.Context, want string) {
	t.Helper()
	l, err := async.RunningLoop(ctx)
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := async.WriteTaskTree(&b, l); err != nil {
		t.Error(err)
	}
	if got, want := bare(b.String()), strings.TrimPrefix(want, "\n"); got != want {
		t.Errorf("the tree is\n%s\nand should be\n%s", got, want)
	}
}

// named starts fn as a task with a name.
func named(ctx context.Context, name string, fn func(ctx context.Context) error) *async.Task[async.Void] {
	return async.Go(ctx, fn, async.Name(name))
}

// await waits for aw.
func await[T any](aw async.Awaitable[T]) func(ctx context.Context) error {
	return func(ctx context.Context) error {
		_, err := aw.Await(ctx)
		return err
	}
}

func sleepLong(ctx context.Context) error { return async.Sleep(ctx, time.Hour) }

func TestWriteTaskTree(t *testing.T) {
	t.Run("below each task are those that it awaits, in whatever way it does", func(t *testing.T) {
		onVirtual(t, func(ctx context.Context) error {
			var never async.Event
			start := func(name string) *async.Task[async.Void] { return named(ctx, name, never.Wait) }
			g1, g2, s1, w1, w2, c1, c2, d1 := start("g1"), start("g2"), start("s1"), start("w1"), start("w2"), start("c1"), start("c2"), start("d1")
			var all []*async.Task[async.Void]
			all = append(all, named(ctx, "gathers", func(ctx context.Context) error {
				_, err := async.Gather(ctx, g1, g2)
				return err
			}))
			all = append(all, named(ctx, "shields", func(ctx context.Context) error {
				_, err := async.Shield(ctx, s1)
				return err
			}))
			all = append(all, named(ctx, "waits", func(ctx context.Context) error {
				_, _, err := async.Wait(ctx, []*async.Task[async.Void]{w1, w2})
				return err
			}))
			all = append(all, named(ctx, "collects", func(ctx context.Context) error {
				for _, err := range async.AsCompleted(ctx, c1, c2) {
					return err
				}
				return nil
			}))
			all = append(all, named(ctx, "awaits", await(d1)))
			all = append(all, named(ctx, "groups", func(ctx context.Context) error {
				return async.WithTaskGroup(ctx, func(ctx context.Context, tg *async.TaskGroup) error {
					tg.Go(never.Wait, async.Name("t1"))
					tg.Go(sleepLong, async.Name("t2"))
					return nil
				})
			}))
			for range 3 {
				giveWay(ctx)
			}
			wantTree(t, ctx, `
Task-1 runs
gathers awaits
├── g1 waits for Event(unset, waiters: 9)
└── g2 waits for Event(unset, waiters: 9)
shields awaits
└── s1 waits for Event(unset, waiters: 9)
waits awaits
├── w1 waits for Event(unset, waiters: 9)
└── w2 waits for Event(unset, waiters: 9)
collects awaits
├── c1 waits for Event(unset, waiters: 9)
└── c2 waits for Event(unset, waiters: 9)
awaits awaits
└── d1 waits for Event(unset, waiters: 9)
groups awaits
├── t1 waits for Event(unset, waiters: 9)
└── t2 sleeps
`)
			never.Set()
			all[len(all)-1].Cancel()
			_, err := async.GatherSettledOf(ctx, all)
			return err
		})
	})
	t.Run("in debug mode it says where, and for how long", func(t *testing.T) {
		onVirtual(t, func(ctx context.Context) error {
			task := named(ctx, "sleeper", sleepLong)
			outer := named(ctx, "outer", await(task))
			giveWay(ctx)
			async.Sleep(ctx, 90*time.Second)
			wantTree(t, ctx, `
Task-1 runs
outer awaits at callgraph_test.go for 1m30s
└── sleeper sleeps at callgraph_test.go for 1m30s
`)
			task.Cancel()
			_, err := async.GatherSettledOf(ctx, []*async.Task[async.Void]{outer})
			return err
		}, async.Debug())
	})
	t.Run("a task that several await has its tree below the first, and so has a ring", func(t *testing.T) {
		onVirtual(t, func(ctx context.Context) error {
			var a, b *async.Task[async.Void]
			shared := named(ctx, "shared", sleepLong)
			x, y := named(ctx, "x", await(shared)), named(ctx, "y", await(shared))
			a = named(ctx, "a", func(ctx context.Context) error { return await(b)(ctx) })
			b = named(ctx, "b", func(ctx context.Context) error { return await(a)(ctx) })
			giveWay(ctx)
			wantTree(t, ctx, `
Task-1 runs
x awaits
└── shared sleeps
y awaits
└── shared, see above
a awaits
└── b awaits
    └── a, see above
`)
			shared.Cancel()
			a.Cancel()
			_, err := async.GatherSettledOf(ctx, []*async.Task[async.Void]{x, y, a, b})
			return err
		})
	})
	t.Run("tasks that have not begun, are about to go on, or block outside are named", func(t *testing.T) {
		onVirtual(t, func(ctx context.Context) error {
			entered, leave := make(chan struct{}), make(chan struct{})
			outside := named(ctx, "outside", func(ctx context.Context) error {
				_, err := async.Block(ctx, func(context.Context) (int, error) { close(entered); <-leave; return 0, nil })
				return err
			})
			ready := named(ctx, "ready", giveWay)
			giveWay(ctx)
			<-entered
			fresh := named(ctx, "fresh", giveWay)
			wantTree(t, ctx, `
Task-1 runs
outside blocks outside
ready is about to go on
fresh is about to begin
`)
			close(leave)
			_, err := async.Gather(ctx, outside, ready, fresh)
			return err
		})
	})
	t.Run("a task that has no place yet beside the loop is about to begin", func(t *testing.T) {
		err := async.Run(func(ctx context.Context) error {
			l, _ := async.RunningLoop(ctx)
			fresh := named(ctx, "fresh", giveWay)
			for async.Stats(l).Running < 2 {
				runtime.Gosched()
			}
			wantTree(t, ctx, "Task-1 runs\nfresh is about to begin\n")
			if r := async.ReportDeadlock(l); len(r.Tasks) > 0 {
				t.Errorf("the report is %v", r)
			}
			return await(fresh)(ctx)
		}, async.Parallel(1))
		if err != nil {
			t.Error(err)
		}
	})
	t.Run("others may look while tasks wake each other", func(t *testing.T) {
		for name, opts := range map[string][]async.Option{"": nil, " in parallel": {async.Parallel(2)}, " in debug mode": {async.Debug()}} {
			err := async.Run(func(ctx context.Context) error {
				l, _ := async.RunningLoop(ctx)
				var event async.Event
				looker := async.Go(ctx, func(ctx context.Context) error {
					_, err := async.ToThread(ctx, func(ctx context.Context) (int, error) {
						for ctx.Err() == nil {
							async.WriteTaskTree(io.Discard, l)
							async.ReportDeadlock(l)
						}
						return 0, nil
					})
					return err
				})
				for range 100 {
					event.Clear()
					inner := async.Go(ctx, event.Wait)
					all := []*async.Task[async.Void]{inner}
					for range 5 {
						all = append(all, async.Go(ctx, event.Wait), async.Go(ctx, await(inner)))
					}
					async.CaptureCallGraphOf(inner)
					giveWay(ctx)
					giveWay(ctx)
					event.Set()
					if _, err := async.GatherOf(ctx, all); err != nil {
						return err
					}
				}
				looker.Cancel()
				return nil
			}, opts...)
			if err != nil {
				t.Errorf("the error%s is %v", name, err)
			}
		}
	})
	t.Run("another goroutine gets the tree, of a closed loop an empty one, and a broken writer's error", func(t *testing.T) {
		var l *async.Loop
		err := async.Run(func(ctx context.Context) error {
			l, _ = async.RunningLoop(ctx)
			_, err := async.ToThread(ctx, func(context.Context) (int, error) {
				var b bytes.Buffer
				err := async.WriteTaskTree(&b, l)
				if !strings.HasPrefix(bare(b.String()), "Task-1 waits for ") {
					t.Errorf("the tree is %q", b.String())
				}
				return 0, err
			})
			if werr := async.WriteTaskTree(brokenWriter{}, l); !errors.Is(werr, errBroken) {
				t.Errorf("the error is %v", werr)
			}
			return err
		})
		if err != nil {
			t.Error(err)
		}
		var b bytes.Buffer
		if err := async.WriteTaskTree(&b, l); err != nil || b.Len() > 0 {
			t.Errorf("of a closed loop it is %q, %v", b.String(), err)
		}
	})
	t.Run("a nil writer panics", func(t *testing.T) {
		defer func() {
			if r := recover(); r != "async: WriteTaskTree was called with a nil Writer" {
				t.Errorf("the panic is %v", r)
			}
		}()
		l := async.NewLoop()
		defer l.Close()
		async.WriteTaskTree(nil, l)
	})
}

var errBroken = errors.New("broken")

type brokenWriter struct{}

func (brokenWriter) Write([]byte) (int, error) { return 0, errBroken }

func TestCaptureCallGraph(t *testing.T) {
	t.Run("it has the caller's functions, and those who wait for it, and for them", func(t *testing.T) {
		onVirtual(t, func(ctx context.Context) error {
			var inner *async.Task[async.Void]
			var got string
			inner = named(ctx, "inner", func(ctx context.Context) error {
				giveWay(ctx)
				got = capture(ctx).String()
				return nil
			})
			outer := named(ctx, "outer", func(ctx context.Context) error {
				_, err := async.Gather(ctx, inner)
				return err
			})
			if err := await(outer)(ctx); err != nil {
				return err
			}
			want := `* Task("inner")
  + Call stack:
  |   callgraph_test.go, in github.com/asyncgo/asyncgo/async_test.capture
  |   callgraph_test.go
  + Awaited by:
    * Task("outer")
      + Call stack:
      |   callgraph_test.go
      + Awaited by:
        * Task("Task-1")
          + Call stack:
          |   callgraph_test.go
          |   callgraph_test.go`
			if got := bare(got); got != want {
				t.Errorf("the graph is\n%s\nand should be\n%s", got, want)
			}
			return nil
		}, async.Debug())
	})
	t.Run("a ring of tasks ends where it began", func(t *testing.T) {
		onVirtual(t, func(ctx context.Context) error {
			var a, b *async.Task[async.Void]
			a = named(ctx, "a", func(ctx context.Context) error { return await(b)(ctx) })
			b = named(ctx, "b", func(ctx context.Context) error { return await(a)(ctx) })
			giveWay(ctx)
			want := "* Task(\"a\")\n  + Awaited by:\n    * Task(\"b\")\n      + Awaited by:\n        * Task(\"a\")"
			if got := async.CaptureCallGraphOf(a).String(); got != want {
				t.Errorf("the graph is\n%s\nand should be\n%s", got, want)
			}
			a.Cancel()
			_, err := async.GatherSettled(ctx, a, b)
			return err
		})
	})
	t.Run("a task that is reached on several ways is followed, and written, once", func(t *testing.T) {
		onVirtual(t, func(ctx context.Context) error {
			const height = 40 // the ways would be 1<<height
			bottom := named(ctx, "bottom", sleepLong)
			all := []*async.Task[async.Void]{bottom}
			below := []async.Awaitable[async.Void]{bottom}
			for h := range height {
				both := func(ctx context.Context) error {
					_, err := async.Gather(ctx, below...)
					return err
				}
				l, r := named(ctx, fmt.Sprint("l", h), both), named(ctx, fmt.Sprint("r", h), both)
				all = append(all, l, r)
				giveWay(ctx)
				below = []async.Awaitable[async.Void]{l, r}
			}
			g := async.CaptureCallGraphOf(bottom)
			if lines := strings.Count(g.String(), "* Task("); lines != 1+4*height-2 {
				t.Errorf("there are %d lines of tasks", lines)
			}
			l, r := g.AwaitedBy[0], g.AwaitedBy[1]
			if len(l.AwaitedBy) != 2 || l.AwaitedBy[0] != r.AwaitedBy[0] || l.AwaitedBy[1] != r.AwaitedBy[1] {
				t.Error("those who wait for both of two are not the same")
			}
			bottom.Cancel()
			_, err := async.GatherSettledOf(ctx, all)
			return err
		})
	})
	t.Run("in the text of a diamond the second way ends at the task that both share", func(t *testing.T) {
		onVirtual(t, func(ctx context.Context) error {
			bottom := named(ctx, "bottom", sleepLong)
			left, right := named(ctx, "left", await(bottom)), named(ctx, "right", await(bottom))
			both := named(ctx, "both", func(ctx context.Context) error {
				_, err := async.GatherSettled(ctx, left, right)
				return err
			})
			top := named(ctx, "top", await(both))
			giveWay(ctx)
			giveWay(ctx)
			const want = `* Task("bottom")
  + Awaited by:
    * Task("left")
      + Awaited by:
        * Task("both")
          + Awaited by:
            * Task("top")
    * Task("right")
      + Awaited by:
        * Task("both"), see above`
			if got := async.CaptureCallGraphOf(bottom).String(); got != want {
				t.Errorf("the graph is\n%s\nand should be\n%s", got, want)
			}
			bottom.Cancel()
			return await(top)(ctx)
		})
	})
	t.Run("the calling task has its functions in any case", func(t *testing.T) {
		onVirtual(t, func(ctx context.Context) error {
			var self *async.Task[async.Void]
			self = named(ctx, "self", func(ctx context.Context) error {
				if g := async.CaptureCallGraphOf(self); len(g.CallStack) != 1 || len(g.AwaitedBy) != 1 {
					t.Errorf("the graph is\n%s", g)
				}
				return nil
			})
			return await(self)(ctx)
		})
	})
	t.Run("a task that was unwound waits for nothing any more", func(t *testing.T) {
		f := future.New[int]()
		l := async.NewLoop()
		task := named(l.Context(), "waiter", await(f))
		giveOnce := async.Coroutine[async.Void](func(ctx context.Context) (async.Void, error) { return async.Void{}, giveWay(ctx) })
		if _, err := async.RunUntilComplete(l, giveOnce); err != nil {
			t.Error(err)
		}
		if g := async.CaptureCallGraphOf(f); len(g.AwaitedBy) != 1 {
			t.Errorf("the graph is\n%s", g)
		}
		if err := l.Close(); err != nil || !task.IsDone() {
			t.Errorf("the loop is closed with %v, and the task is done: %v", err, task.IsDone())
		}
		if g := async.CaptureCallGraphOf(f); len(g.AwaitedBy) > 0 {
			t.Errorf("the graph is\n%s", g)
		}
	})
	t.Run("a future has no name, and a goroutine that is no task has no graph", func(t *testing.T) {
		onVirtual(t, func(ctx context.Context) error {
			f := async.NewFuture[int](ctx)
			task := named(ctx, "waiter", await(f))
			giveWay(ctx)
			g := async.CaptureCallGraphOf(f)
			if g.Task != "" || len(g.CallStack) > 0 || len(g.AwaitedBy) != 1 || g.AwaitedBy[0].Task != "waiter" {
				t.Errorf("the graph is\n%s", g)
			}
			f.SetResult(1)
			return await(task)(ctx)
		})
		if g := async.CaptureCallGraph(t.Context()); g != nil {
			t.Errorf("outside of a loop the graph is %v", g)
		}
		defer func() {
			if r := recover(); r != "async: CaptureCallGraphOf was called with a nil future" {
				t.Errorf("the panic is %v", r)
			}
		}()
		async.CaptureCallGraphOf[*async.Future[int]](nil)
	})
}

func capture(ctx context.Context) *async.CallGraph { return async.CaptureCallGraph(ctx) }
