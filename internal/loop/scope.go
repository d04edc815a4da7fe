package loop

import (
	"context"
	"sync/atomic"
	"time"
)

// A Cause says why a scope was cancelled, in the words of everybody who may ask.
type Cause struct {
	Err   error // what ctx.Err returns: context.Canceled or context.DeadlineExceeded
	Cause error // what context.Cause returns
	Wait  error // what a wait with the context returns
	Panic any   // what the wait panics with instead, see InjectPanic

	// travels is set when the request has gone from one loop to another, or come from outside. Then it is a
	// copy that can be told from all other requests.
	travels bool
}

func (c *Cause) travelling() *Cause {
	if c.travels {
		return c
	}
	cc := *c
	cc.travels = true
	return &cc
}

// A Scope is what the two kinds of context have in common whose cancellation the loop knows about: that of a
// task, which is the [Task] itself, and that of a block in it, like a timeout or a task group,
// which is a [Child]. Scopes form a tree, and cancelling one reaches the waits of tasks below it
// without a goroutine, a channel or an allocation per wait.
//
// The channel of Done and the attachment of contexts derived by package context come from
// a standard context that is made when somebody asks for it.
type Scope struct {
	cause  atomic.Pointer[Cause]
	loop   *Loop
	values *values // what Value asks; nil for none
	extra  atomic.Pointer[scopeExtra]
}

// scopeExtra holds what few scopes have.
type scopeExtra struct {
	std  atomic.Pointer[standard]
	kids *Child // guarded by loop.tree
}

type standard struct {
	context.Context
	cancel context.CancelCauseFunc
}

// more returns the scope's extra, which is made on first use.
func (s *Scope) more() *scopeExtra {
	x := s.extra.Load()
	if x == nil {
		s.extra.CompareAndSwap(nil, new(scopeExtra))
		x = s.extra.Load()
	}
	return x
}

// made returns the scope's standard context if there is one.
func (s *Scope) made() *standard {
	if x := s.extra.Load(); x != nil {
		return x.std.Load()
	}
	return nil
}

// firstKid returns the first scope below s. The tree is locked.
func (s *Scope) firstKid() *Child {
	if x := s.extra.Load(); x != nil {
		return x.kids
	}
	return nil
}

// adopt makes c the first scope below s. The tree is locked.
func (s *Scope) adopt(c *Child) {
	x := s.more()
	if c.next = x.kids; c.next != nil {
		c.next.prev = c
	}
	x.kids = c
}

type scopeKeyType struct{ _ byte }

var scopeKey any = new(scopeKeyType)

// scopeOf returns the innermost scope that ctx is derived from, and the task it belongs to. Either can be nil.
func scopeOf(ctx context.Context) (*Scope, *Task) {
	switch c := ctx.(type) {
	case *Task:
		return &c.Scope, c
	case *Child:
		return &c.Scope, c.task
	}
	if ctx == nil {
		panic("async: the ctx is nil")
	}
	switch c := ctx.Value(scopeKey).(type) {
	case *Task:
		return &c.Scope, c
	case *Child:
		return &c.Scope, c.task
	}
	return nil, nil
}

// ours reports whether ctx is a scope itself, and not something on top of one.
func ours(ctx context.Context) bool {
	switch ctx.(type) {
	case *Task, *Child:
		return true
	}
	return false
}

// Stranger reports whether ctx belongs to another task than t.
func (t *Task) Stranger(ctx context.Context) bool {
	_, owner := scopeOf(ctx)
	return owner != nil && owner != t
}

// Of returns the loop that ctx belongs to, or nil.
func Of(ctx context.Context) *Loop {
	if s, _ := scopeOf(ctx); s != nil {
		return s.loop
	}
	return nil
}

// values is a context that is asked for values and nothing else. It is never one of ours and never cancelled.
type values struct{ context.Context }

func (v *values) context() context.Context {
	if v == nil {
		return context.Background()
	}
	return v.Context
}

// valuesOf returns the values of ctx. It does not hold on to a chain of scopes, so that a task which
// starts a task which starts a task does not leave a trail.
func valuesOf(ctx context.Context) *values {
	switch c := ctx.(type) {
	case *Task:
		return c.values
	case *Child:
		return c.values
	}
	if ctx == context.Background() {
		return nil
	}
	return &values{context.WithoutCancel(ctx)}
}

// Loop returns the loop that the scope belongs to.
func (s *Scope) Loop() *Loop { return s.loop }

// value is Value for any key but scopeKey.
func (s *Scope) value(key any) any {
	if s.made() != nil || s.cause.Load() != nil {
		return s.standard().Value(key)
	}
	return s.values.context().Value(key)
}

// ended returns why the scope was cancelled, or nil. Its channel is closed in the first case.
func (s *Scope) ended() *Cause {
	c := s.cause.Load()
	if c != nil && s.made() != nil {
		s.standard()
	}
	return c
}

// carries reports whether ctx is nothing but values on top of the scope.
func (s *Scope) carries(ctx context.Context) bool {
	if ctx.Done() != s.Done() {
		return false
	}
	// Contexts that have ended before anybody asked for their channels share one.
	c := s.cause.Load()
	return c == nil || context.Cause(ctx) == c.Cause
}

// Done implements [context.Context].
func (s *Scope) Done() <-chan struct{} { return s.standard().Done() }

// Done implements [context.Context].
func (t *Task) Done() <-chan struct{} {
	std := t.standard()
	if t.Body().Ended() { // before the channel was made
		std.cancel(context.Canceled)
	}
	return std.Done()
}

// Value implements [context.Context].
func (t *Task) Value(key any) any {
	if key == scopeKey {
		return t
	}
	return t.value(key)
}

// Err implements [context.Context].
func (t *Task) Err() error {
	if c := t.ended(); c != nil {
		t.looked.Store(true)
		return c.Err
	}
	if t.Body().Ended() {
		return context.Canceled
	}
	if t.hears() {
		return t.Err()
	}
	return nil
}

// hears lets a body that only asks its context, and never waits, know of what has come from outside. It
// reports whether that has made a difference to the asking.
func (t *Task) hears() bool {
	l := t.loop
	if w := t.w; w == nil || !l.inboxed.Load() || !w.IsCurrent() || !w.on || l.flushing {
		return false
	}
	l.flush()
	return true
}

// Deadline implements [context.Context]: a task has none.
func (t *Task) Deadline() (time.Time, bool) { return time.Time{}, false }

// standard returns the scope's standard context, which is made on first use.
func (s *Scope) standard() *standard {
	std := s.made()
	if std == nil {
		s.loop.tree.Lock()
		if std = s.made(); std == nil {
			std = new(standard)
			std.Context, std.cancel = context.WithCancelCause(s.values.context())
			s.more().std.Store(std)
		}
		s.loop.tree.Unlock()
	}
	// Whoever has cancelled the scope may not have come to this yet, and nobody may see one without the other.
	if c := s.cause.Load(); c != nil {
		std.cancel(c.Cause)
	}
	return std
}

// cancel marks s, which belongs to t, and all below it as cancelled and interrupts the waits that
// obey them.
func (s *Scope) cancel(c *Cause, t *Task) {
	if s.cause.Load() != nil {
		return
	}
	type marked struct {
		*Scope
		task *Task
	}
	var room [8]marked
	all := room[:0]
	var mark func(s *Scope, t *Task)
	mark = func(s *Scope, t *Task) {
		// What is cancelled already stays so, but a wait in there is told once more: what it waits for may have
		// swallowed the first request.
		s.cause.CompareAndSwap(nil, c)
		all = append(all, marked{s, t})
		for k := s.firstKid(); k != nil; k = k.next {
			mark(&k.Scope, k.task)
		}
	}
	s.loop.tree.Lock()
	mark(s, t)
	s.loop.tree.Unlock()
	for _, m := range all {
		if std := m.made(); std != nil {
			std.cancel(c.Cause)
		}
		if m.task != nil {
			m.task.interruptFrom(m.Scope)
		}
	}
}

// A Child is a scope inside another one, with a cancellation of its own: a timeout, a
// task group, or the fresh scope that a task goes on with after it was cancelled.
type Child struct {
	Scope
	task *Task // nil for a loop's own scope
	// Guarded by loop.tree.
	up         *Scope
	upChild    *Child // up, if that is a Child
	next, prev *Child
	mirror     *Child // stands in for this one since the task was uncancelled
	closed     bool

	parent   context.Context // the context that it follows without being below it in the tree, or nil
	stop     func() bool     // ends that
	deadline time.Duration   // on the loop's clock, if timed
	timed    bool
}

// NewChild opens a scope inside ctx for t. It ends with [Child.Close].
func NewChild(ctx context.Context, t *Task) *Child {
	c := &Child{task: t}
	c.values, c.loop = valuesOf(ctx), t.loop
	up, owner := scopeOf(ctx)
	switch {
	case owner == t && (ours(ctx) || up.carries(ctx)):
		c.attach(up, childOf(ctx))
	case ctx.Done() == nil: // detached
	default:
		if owner != t {
			// The context of somebody else. The task's own cancellation counts as well.
			c.attach(t.root(), t.rootChild())
		}
		c.parent = ctx
		c.stop = c.loop.AfterFunc(ctx, func() {
			// A task that has just ended is no reason to cancel what uses its context by mistake.
			if cause := CauseOf(ctx); cause != nil {
				c.Cancel(cause)
			}
		})
	}
	return c
}

// childOf returns the innermost scope of ctx if it is a Child.
func childOf(ctx context.Context) *Child {
	if c, ok := ctx.(*Child); ok {
		return c
	}
	c, _ := ctx.Value(scopeKey).(*Child)
	return c
}

// Value implements [context.Context].
func (c *Child) Value(key any) any {
	if key == scopeKey {
		return c
	}
	return c.value(key)
}

// Err implements [context.Context].
func (c *Child) Err() error {
	if cause := c.ended(); cause != nil {
		if c.task != nil {
			c.task.looked.Store(true)
		}
		return cause.Err
	}
	if c.task != nil && c.task.hears() {
		return c.Err()
	}
	return nil
}

// Deadline implements [context.Context], in the time of the loop's clock.
func (c *Child) Deadline() (nearest time.Time, found bool) {
	var parents []context.Context // asked when the tree is not locked, because they may lead to other scopes
	c.loop.tree.Lock()
	for s := c; s != nil; s = s.upChild {
		if s.timed {
			if wall := c.loop.clock.Wall(s.deadline); !found || wall.Before(nearest) {
				nearest, found = wall, true
			}
		}
		if s.parent != nil {
			parents = append(parents, s.parent)
		}
	}
	c.loop.tree.Unlock()
	for _, p := range parents {
		if wall, ok := p.Deadline(); ok && (!found || wall.Before(nearest)) {
			nearest, found = wall, true
		}
	}
	return nearest, found
}

// attach hangs c below up.
func (c *Child) attach(up *Scope, upChild *Child) {
	l := c.loop
	l.tree.Lock()
	c.up, c.upChild = up, upChild
	up.adopt(c)
	cause := up.cause.Load()
	if cause != nil {
		c.cause.CompareAndSwap(nil, cause)
	}
	l.tree.Unlock()
}

// Cancel cancels the scope and all below it, from any goroutine. Only the first cause
// counts.
func (c *Child) Cancel(cause *Cause) {
	c.loop.tree.Lock()
	mirror, isClosed := c.mirror, c.closed
	c.loop.tree.Unlock()
	if !isClosed {
		c.cancel(cause, c.task)
	}
	if mirror != nil {
		mirror.Cancel(cause)
	}
}

// Outer returns the cause that what surrounds the scope was cancelled with, or nil.
func (c *Child) Outer() *Cause {
	for c.mirror != nil {
		c = c.mirror
	}
	if c.parent != nil && c.parent.Err() != nil {
		return CauseOf(c.parent)
	}
	if c.up == nil {
		return nil
	}
	return c.up.cause.Load()
}

// Close takes the scope out of the tree, inside the loop. Its context is cancelled for good, as
// the context of a function that has returned should be.
func (c *Child) Close(cause *Cause) {
	l := c.loop
	if c.stop != nil {
		c.stop()
	}
	l.tree.Lock()
	if !c.closed {
		c.closed = true
		if c.up != nil {
			if c.prev != nil {
				c.prev.next = c.next
			} else {
				c.up.more().kids = c.next
			}
			if c.next != nil {
				c.next.prev = c.prev
			}
			c.next, c.prev = nil, nil
		}
	}
	mirror := c.mirror
	// Usually the task itself leaves the block, and nobody else has ever asked for the context.
	alone := c.extra.Load() == nil && Here() == c.task && c.cause.CompareAndSwap(nil, cause)
	l.tree.Unlock()
	if !alone {
		c.cancel(cause, c.task)
	}
	if mirror != nil {
		mirror.Close(cause)
	}
}

// SetDeadline tells what the scope's context answers to Deadline; it arms no timer. Without ok
// the scope has none.
func (c *Child) SetDeadline(when time.Duration, ok bool) {
	c.loop.tree.Lock()
	defer c.loop.tree.Unlock()
	c.deadline, c.timed = when, ok
}

// refresh returns a scope in which t goes on after a cancellation: it has the values of ctx and
// mirrors the scopes between ctx and the task's root, but is not cancelled. Timeouts and groups in
// between that have not come to that yet still reach it, and so does a new request to cancel the
// task.
func (t *Task) refresh(ctx context.Context) context.Context {
	root := &Child{task: t}
	root.values, root.loop = t.values, t.loop
	t.loop.tree.Lock()
	defer t.loop.tree.Unlock()
	old := t.root()
	if old.cause.Load() == nil {
		root = nil // only something in between was cancelled
	} else {
		t.more().root = root
	}
	top := mirror(childOf(ctx), old, root)
	if top == nil {
		return ctx
	}
	top.values = valuesOf(ctx)
	return top
}

// mirror copies the chain of scopes from c up to the old root, and hangs it below the fresh root,
// or below the old one if that is nil. The tree is locked.
func mirror(c *Child, old *Scope, root *Child) *Child {
	if c == nil || &c.Scope == old {
		return root
	}
	m := &Child{task: c.task, deadline: c.deadline, timed: c.timed}
	m.values, m.loop = c.values, c.loop
	above := c.upChild
	if cause := old.cause.Load(); above == nil && c.parent != nil && cause != nil && context.Cause(c.parent) == cause.Cause {
		above = childOf(c.parent) // over one of the standard library, which has ended together with the task's
	}
	if m.upChild = mirror(above, old, root); m.upChild != nil {
		m.up = &m.upChild.Scope
	} else {
		m.up = old
	}
	for c.mirror != nil {
		c = c.mirror // a cancellation follows the chain to the newest
	}
	c.mirror = m
	m.up.adopt(m)
	return m
}
