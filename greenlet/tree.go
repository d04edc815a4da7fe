package greenlet

import (
	"runtime"
	"sync"
	"sync/atomic"
	"weak"

	"github.com/petermattis/goid"

	"github.com/asyncgo/asyncgo/internal/coro"
	"github.com/asyncgo/asyncgo/internal/loop"
)

// A tree is the greenlets of one goroutine.
type tree struct {
	// running is the id of the goroutine that has control; zero while one that is new, or the root, is on its way. It is
	// atomic for the sake of those who have no business here and must be told so. A goroutine that comes to
	// end a greenlet takes the root's place by swapping itself in, which succeeds only while the root itself
	// runs and not one of the others.
	running atomic.Int64
	// current is the greenlet that has control. It belongs to that: the root looks at it only after it
	// has swapped itself out, because until then somebody may come.
	current *Greenlet

	// The message to the greenlet that is switched to.
	val    any
	err    error
	from   *Greenlet
	goexit bool

	root   *Greenlet
	rootID int64 // of its goroutine
	// driver is the stand-in of the root while another goroutine ends a greenlet.
	driver *Greenlet
	visit  sync.Mutex // held by that goroutine
	tracer func(event Event, origin, target *Greenlet)

	// The coroutine of the event loop that the root is, if it is one, and the task and the loop.
	host *coro.Routine
	task *loop.Task
	loop *loop.Loop
}

// roots finds the root of a goroutine by its id. The roots are held weakly: one that nobody refers to, no
// greenlet and no variable, can be made again when it is needed.
var roots sync.Map // of int64 to weak.Pointer[Greenlet]

// tracing holds the roots of trees with a tracer, which would be lost with them.
var tracing sync.Map // of *Greenlet to struct{}

// Current returns the greenlet that calls: getcurrent(). A goroutine that is none yet becomes the root of
// a tree of its own. A task of package async is a root of its own, too.
func Current() *Greenlet {
	host := coro.Current()
	if host != nil {
		if l, ok := host.Owner().(*life); ok {
			return (*Greenlet)(l)
		}
	}
	id := goid.Get()
	var task *loop.Task
	if host != nil {
		task = loop.Here()
	}
	if p, ok := roots.Load(id); ok {
		if root := p.(weak.Pointer[Greenlet]).Value(); root != nil && root.tree.Load().task == task {
			return root
		}
	}
	t := &tree{host: host, task: task, loop: loop.Inside()}
	root := t.newRoot(id)
	t.root, t.rootID = root, id
	t.current = root
	t.running.Store(id)
	p := weak.Make(root)
	roots.Store(id, p)
	runtime.AddCleanup(root, func(id int64) { roots.CompareAndDelete(id, p) }, id)
	return root
}

// newRoot makes a greenlet of the calling goroutine.
func (t *tree) newRoot(id int64) *Greenlet {
	root := new(Greenlet)
	root.routine.InitAside(nil)
	root.gid.Store(id)
	root.state.Store(live)
	root.tree.Store(t)
	return root
}

// caller returns the greenlet that calls, or an error if that is none of the tree.
func (t *tree) caller() (*Greenlet, error) {
	id := goid.Get()
	for {
		switch {
		case t.ended(id):
			return nil, errRootEnded
		case t.running.Load() != id:
			if err := t.awaitTurn(id); err != nil {
				return nil, err
			}
		case id != t.rootID:
			return t.current, nil
		case t.task != nil && t.task.Ended():
			return t.driver, nil
		default:
			return t.root, nil
		}
	}
}

// ended reports whether a goroutine takes itself for the root because it has run the task that was it.
func (t *tree) ended(id int64) bool {
	return t.task != nil && id == t.rootID && t.task.Ended() && t.driver == nil
}

// awaitTurn waits until a goroutine that has not got control, and tries to switch, has it. That is not its fault
// only if it is the root's and another goroutine ends a greenlet.
func (t *tree) awaitTurn(id int64) error {
	if t.rootID != id {
		if t.task != nil && t.task.Ended() {
			return errRootEnded
		}
		return ErrOtherThread
	}
	t.awaitVisitor()
	return nil
}

// awaitVisitor waits until another goroutine that has taken the root's place is done.
func (t *tree) awaitVisitor() {
	t.visit.Lock()
	defer t.visit.Unlock()
}

// top returns the root, or who stands in for it. The root itself does not ask whether somebody does, because
// that one may be just coming.
func (t *tree) top(me *Greenlet) *Greenlet {
	if me != t.root && t.driver != nil {
		return t.driver
	}
	return t.root
}

// Host implements [loop.Guest].
func (l *life) Host() *coro.Routine {
	t := l.tree.Load()
	if t.driver != nil {
		return nil
	}
	return t.host
}
