package gevent

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/petermattis/goid"
	"github.com/sourcegraph/conc/panics"

	"github.com/asyncgo/asyncgo/async"
	"github.com/asyncgo/asyncgo/internal/callers"
	"github.com/asyncgo/asyncgo/internal/coro"
	"github.com/asyncgo/asyncgo/internal/loop"
)

// A hub is the event loop of a goroutine, which takes part in it as its main task.
type hub struct {
	face *async.Loop
	l    *loop.Loop
	core core // its task is that of the goroutine
	left atomic.Bool
	gid  int64        // of the goroutine
	refs atomic.Int32 // handlers that are installed
	held atomic.Int32 // see Ref
	// goexit is set when a greenlet was left by runtime.Goexit, which goes on in the goroutine.
	goexit bool
	idle   bool     // it waits for ever; guarded by hubs.mu
	out    *outside // what runs elsewhere for the goroutine; the same for all its hubs while something does
}

// hubs are the hubs there are, by their loops, and what runs outside for goroutines that have none now, by their ids.
var hubs struct {
	mu     sync.Mutex
	all    map[*loop.Loop]*hub
	astray map[int64]*outside
}

// enter makes a hub of the calling goroutine.
func enter() (*hub, error) {
	if r := coro.Current(); r != nil {
		return nil, errors.New("gevent: a raw greenlet outside of a task cannot wait")
	}
	face := async.NewLoop()
	h := &hub{face: face, l: loop.Of(face.Context()), gid: goid.Get()}
	h.core.name = "main"
	h.core.l = h.l
	h.core.own.Init(face.Context(), h.l, (*mainBody)(h))
	h.l.Stuck = h.stuck
	h.l.Lost = func() {
		h.goexit = true
		h.core.throw(errGoexit)
	}
	if err := h.l.Enter(&h.core.own); err != nil {
		return nil, err
	}
	h.core.task = &h.core.own
	h.core.main = h
	hubs.mu.Lock()
	defer hubs.mu.Unlock()
	if hubs.all == nil {
		hubs.all = map[*loop.Loop]*hub{}
	}
	hubs.all[h.l] = h
	h.adopt()
	return h, nil
}

// errAllDone ends a Wait for everything.
var errAllDone = errors.New("gevent: there is nothing left to run")

var errGoexit = errors.New("gevent: a greenlet was left by runtime.Goexit")

// leave closes the hub of the calling goroutine.
func (h *hub) leave() {
	h.left.Store(true)
	hubs.mu.Lock()
	h.abandon() // before the loop takes nothing any more, for those who come back to it
	hubs.mu.Unlock()
	h.l.Exit(&h.core.own)
	if err := h.face.Close(); err != nil {
		panic(fmt.Sprintf("gevent: closing the hub: %v", err))
	}
	hubs.mu.Lock()
	defer hubs.mu.Unlock()
	delete(hubs.all, h.l)
	nudgeIdle()
}

// leaveIfAlone closes the hub if nothing is left in it.
func (h *hub) leaveIfAlone() {
	if h.refs.Load() == 0 && h.held.Load() == 0 && h.core.switches == nil && h.l.Alone() && !h.called() {
		h.leave()
	}
}

// stuck is called when the hub would wait for ever.
func (h *hub) stuck() {
	if h.held.Load() > 0 {
		return
	}
	hubs.mu.Lock()
	if len(h.out.jobs) > 0 {
		hubs.mu.Unlock()
		return
	}
	h.idle = true
	for _, other := range hubs.all {
		if !other.idle {
			hubs.mu.Unlock()
			return // another one may come to help
		}
	}
	if len(hubs.astray) > 0 {
		hubs.mu.Unlock()
		return // and so may what was begun by one
	}
	h.idle = false
	hubs.mu.Unlock()
	if h.core.waitsAll {
		h.core.throw(errAllDone)
		return
	}
	h.core.throw(&loopExit{h.report()})
}

// awake notes that the hub runs again.
func (h *hub) awake() {
	if !h.idle {
		return
	}
	hubs.mu.Lock()
	defer hubs.mu.Unlock()
	h.idle = false
}

// A loopExit is an ErrLoopExit with a report.
type loopExit struct{ report string }

func (e *loopExit) Error() string        { return ErrLoopExit.Error() + e.report }
func (e *loopExit) Is(target error) bool { return target == ErrLoopExit }

// report says who waits for what.
func (h *hub) report() string {
	var b strings.Builder
	for _, t := range h.l.Tasks() {
		c := coreOf(t)
		if c == nil {
			continue
		}
		what := t.WaitsFor()
		if what == "" {
			what = "nothing that is known"
		}
		fmt.Fprintf(&b, "\n\t%s waits for %s", c.describe(), what)
		if c.waitsAt[0] != 0 {
			fmt.Fprintf(&b, " at %s", place(c.waitsAt[:]))
		}
		if c.spawnedAt[0] != 0 {
			fmt.Fprintf(&b, ", spawned by %s at %s", c.spawner, place(c.spawnedAt[:]))
		}
	}
	return b.String()
}

// place returns the first place of a stack that is not in this package, as file:line.
func place(pcs []uintptr) string {
	frames := runtime.CallersFrames(pcs)
	for {
		f, more := frames.Next()
		if !strings.Contains(f.Function, "asyncgo/greenlet/gevent.") || !more {
			return fmt.Sprintf("%s:%d", f.File, f.Line)
		}
	}
}

// mainBody is the goroutine of a hub as its loop sees it.
type mainBody hub

// Run implements [loop.Body]; the body is what the goroutine does.
func (*mainBody) Run(context.Context) {}

// Crash implements [loop.Body].
func (*mainBody) Crash(*panics.Recovered) {}

// Quit implements [loop.Body].
func (*mainBody) Quit() {}

// Drop implements [loop.Body].
func (*mainBody) Drop(*loop.Cause) {}

// Ended implements [loop.Body].
func (b *mainBody) Ended() bool { return b.left.Load() }

// Info implements [loop.Body].
func (b *mainBody) Info() any { return async.AnyTask(b) }

// CancelWaited implements [loop.Canceller].
func (*mainBody) CancelWaited(*loop.Cause) bool { return false }

// Name implements [async.AnyTask], as the rest does.
func (*mainBody) Name() string          { return "main" }
func (*mainBody) ID() uint64            { return 0 }
func (*mainBody) Cancel(...string) bool { return false }
func (*mainBody) IsDone() bool          { return false }
func (*mainBody) Err() error            { return nil }
func (*mainBody) String() string        { return `Task("main")` }

// me returns the core of the greenlet that calls, and its task. A goroutine that is none gets a hub.
func me() (*core, error) {
	if t := loop.Here(); t != nil {
		if c := coreOf(t); c != nil {
			return c, nil
		}
		refuse(t.Loop())
		c := &core{l: t.Loop(), task: t, name: "task"} // a task of package async
		t.SetLocal(c)
		return c, nil
	}
	if l := loop.Within(); l != nil {
		refuse(l)
		return nil, ErrBlockingInHub
	}
	loop.Touch()
	h, err := enter()
	if err != nil {
		return nil, err
	}
	return &h.core, nil
}

func init() {
	loop.Waited = func(t *loop.Task) {
		// What was thrown waits for the next wait of this package, and the hub with it.
		if c := coreOf(t); c != nil && c.main != nil && (t.Thrown() == nil || c.main.goexit) {
			c.after(nil)
		}
	}
}

// refuse panics if the greenlets of l would run at the same time, for which this package is not made.
func refuse(l *loop.Loop) {
	if l.Parallel() {
		panic("gevent: there are no greenlets in a loop with async.Parallel")
	}
}

// inCallback reports whether the caller is a callback of a hub, which cannot wait.
func inCallback() bool { return loop.Here() == nil && loop.Inside() != nil }

// wait calls op, which waits with ctx, and returns what was thrown at the caller meanwhile.
func wait(op func(ctx context.Context) error) error {
	c, err := me()
	if err != nil {
		return err
	}
	return c.wait(op)
}

func (c *core) wait(op func(ctx context.Context) error) error {
	c.mark()
	err := op(c.task)
	c.unmark()
	return c.after(err)
}

// mark notes where the caller waits, until unmark.
func (c *core) mark() {
	callers.Get(c.waitsAt[:])
	if c.switches != nil {
		c.switches.leave()
	}
}

func (c *core) unmark() {
	c.waitsAt[0] = 0
	if c.switches != nil {
		c.switches.enter()
	}
}

// after ends a wait.
func (c *core) after(err error) error {
	if err != nil {
		if cause := c.task.Catch(); cause != nil {
			err = cause.Wait
			if len(c.thrown) > 0 {
				next := c.thrown[0]
				c.thrown = c.thrown[1:]
				c.throw(next)
			}
		}
	}
	if h := c.main; h != nil {
		h.awake()
		if h.goexit {
			h.goexit = false
			h.destroy()
			runtime.Goexit()
		}
		h.leaveIfAlone()
	}
	return err
}

// throw has the wait of the greenlet end with err, or its next one. It is called inside.
func (c *core) throw(err error) {
	if c.task.Ended() {
		return
	}
	if !c.task.Throw(&loop.Cause{Err: context.Canceled, Cause: err, Wait: err}) {
		c.thrown = append(c.thrown, err)
	}
}

// retract takes back an error that was thrown at the caller and has not arrived, because what it waited for came at
// the same time.
func (c *core) retract(err error) {
	if cause := c.task.Thrown(); cause != nil && cause.Wait == err {
		c.task.Catch()
		if len(c.thrown) > 0 {
			next := c.thrown[0]
			c.thrown = c.thrown[1:]
			c.throw(next)
		}
		return
	}
	c.thrown = slices.DeleteFunc(c.thrown, func(e error) bool { return e == err })
}

// settle closes the hub of the calling goroutine if nothing is left in it.
func settle() {
	if t := loop.Here(); t != nil {
		if c := coreOf(t); c != nil && c.main != nil {
			c.main.leaveIfAlone()
		}
	}
}

// Destroy kills all greenlets of the calling goroutine's hub, waits for them, and closes the hub: hub.destroy.
// A greenlet that does not give in after some kills is unwound. It does nothing without a hub, and in a
// greenlet.
func Destroy() {
	if t := loop.Here(); t != nil {
		if c := coreOf(t); c != nil && c.main != nil {
			c.main.destroy()
		}
	}
}

func (h *hub) destroy() {
	for range 3 {
		var all []*core
		for _, t := range h.l.Tasks() {
			if c := coreOf(t); c != nil && c != &h.core {
				all = append(all, c)
			}
		}
		if len(all) == 0 {
			break
		}
		for _, c := range all {
			c.throw(ErrGreenletExit)
		}
		for range 10 {
			if err := loop.Sleep(h.core.task, 0); err != nil {
				h.core.task.Catch()
			}
		}
	}
	h.leave()
}

// Ref keeps the hub of the caller open, and has it wait for other goroutines where it would otherwise
// return [ErrLoopExit], until release is called. It stands for a watcher that counts.
func Ref() (release func()) {
	c, err := me()
	if err != nil || c.main == nil {
		return func() {}
	}
	h := c.main
	h.held.Add(1)
	return sync.OnceFunc(func() {
		h.held.Add(-1)
		if loop.Inside() == h.l {
			settle()
		} else {
			h.l.Nudge()
		}
	})
}

// Context returns a context of the calling greenlet, for package async and the standard library. It is
// cancelled by the next kill or timeout that hits the greenlet while it waits with it. A goroutine that is
// no greenlet gets a hub.
func Context() context.Context {
	c, err := me()
	if err != nil {
		return context.Background()
	}
	return c.task
}
