package gather

import (
	"context"
	"sync"
	"sync/atomic"

	"github.com/asyncgo/asyncgo/future"
	"github.com/asyncgo/asyncgo/internal/loop"
)

// A Result is the outcome of one of several awaitables: what [Settled] returns for each.
type Result[T any] struct {
	// Value is the result; the zero value if Err is not nil.
	Value T
	// Err is the error it failed with, or a CancelledError.
	Err error
}

// All waits for all of aws and returns their results in the order of the arguments. It stands for
// asyncio.gather.
//
// The first error ends the wait and is returned; the others go on, and their later errors are taken
// as looked at. A child that is cancelled by somebody else counts as an error. All suspends the
// calling task unless all are done; a plain goroutine blocks. If the waiting task is cancelled, all
// children are, and the wait ends when the first of them has.
func All[T any](ctx context.Context, aws ...future.Awaitable[T]) ([]T, error) {
	return AllFuture(ctx, aws...).Await(ctx)
}

// AllOf is [All] for a slice of one type of awaitable, like []*Task[T].
func AllOf[T any, A future.Awaitable[T]](ctx context.Context, aws []A) ([]T, error) {
	return allFuture(ctx, futuresOf[T](ctx, aws)).Await(ctx)
}

// AllFuture is [All] as a future, which can be shielded, cancelled and given done callbacks: what
// asyncio.gather returns before it is awaited. It does not suspend. Cancelling it cancels all
// children that are not done, and has no effect if there are none.
func AllFuture[T any](ctx context.Context, aws ...future.Awaitable[T]) *future.Future[[]T] {
	return allFuture(ctx, futuresOf[T](ctx, aws))
}

func allFuture[T any](ctx context.Context, futs []*future.Future[T]) *future.Future[[]T] {
	return join(ctx, childrenOf(futs), false, func() []T {
		vs := make([]T, len(futs))
		for i, f := range futs {
			vs[i], _ = f.Result()
		}
		return vs
	})
}

// Settled waits for all of aws and returns what became of each, in the order of the arguments. It
// stands for asyncio.gather with return_exceptions=True. The error is not nil only if the wait
// itself was cancelled; then all children are cancelled, and Settled returns when the last of them
// has ended.
func Settled[T any](ctx context.Context, aws ...future.Awaitable[T]) ([]Result[T], error) {
	return SettledFuture(ctx, aws...).Await(ctx)
}

// SettledOf is [Settled] for a slice of one type of awaitable.
func SettledOf[T any, A future.Awaitable[T]](ctx context.Context, aws []A) ([]Result[T], error) {
	return settledFuture(ctx, futuresOf[T](ctx, aws)).Await(ctx)
}

// SettledFuture is [Settled] as a future; see [AllFuture].
func SettledFuture[T any](ctx context.Context, aws ...future.Awaitable[T]) *future.Future[[]Result[T]] {
	return settledFuture(ctx, futuresOf[T](ctx, aws))
}

func settledFuture[T any](ctx context.Context, futs []*future.Future[T]) *future.Future[[]Result[T]] {
	return join(ctx, childrenOf(futs), true, func() []Result[T] {
		rs := make([]Result[T], len(futs))
		for i, f := range futs {
			rs[i].Value, rs[i].Err = f.Result()
			if f.Cancelled() {
				rs[i].Err = future.ErrCancelled // the message is for those who await, as in CPython
			}
		}
		return rs
	})
}

// All2 is [All] for two awaitables of different types.
func All2[A, B any](ctx context.Context, a future.Awaitable[A], b future.Awaitable[B]) (A, B, error) {
	fa, fb := futureOf(ctx, a, 0), futureOf(ctx, b, 1)
	err := joinMixed(ctx, fa.Promise(), fb.Promise())
	return valueOf(fa, err), valueOf(fb, err), err
}

// All3 is [All] for three awaitables of different types.
func All3[A, B, C any](ctx context.Context, a future.Awaitable[A], b future.Awaitable[B], c future.Awaitable[C]) (A, B, C, error) {
	fa, fb, fc := futureOf(ctx, a, 0), futureOf(ctx, b, 1), futureOf(ctx, c, 2)
	err := joinMixed(ctx, fa.Promise(), fb.Promise(), fc.Promise())
	return valueOf(fa, err), valueOf(fb, err), valueOf(fc, err), err
}

// All4 is [All] for four awaitables of different types.
func All4[A, B, C, D any](ctx context.Context, a future.Awaitable[A], b future.Awaitable[B], c future.Awaitable[C], d future.Awaitable[D]) (A, B, C, D, error) {
	fa, fb, fc, fd := futureOf(ctx, a, 0), futureOf(ctx, b, 1), futureOf(ctx, c, 2), futureOf(ctx, d, 3)
	err := joinMixed(ctx, fa.Promise(), fb.Promise(), fc.Promise(), fd.Promise())
	return valueOf(fa, err), valueOf(fb, err), valueOf(fc, err), valueOf(fd, err), err
}

func valueOf[T any](f *future.Future[T], err error) (v T) {
	if err == nil {
		v, _ = f.Result()
	}
	return v
}

func joinMixed(ctx context.Context, cs ...child) error {
	_, err := join(ctx, children{len(cs), func(i int) child { return cs[i] }}, false, func() struct{} { return struct{}{} }).Await(ctx)
	return err
}

// A child is one of the futures that are joined, a [promise.Promise] of any type.
type child interface {
	loop.Canceller
	Add(*loop.Waiter) bool
	Err() error
}

// children is a list of them that need not be made.
type children struct {
	n  int
	at func(i int) child
}

func childrenOf[T any](futs []*future.Future[T]) children {
	return children{len(futs), func(i int) child { return futs[i].Promise() }}
}

// joined is a gather under way.
type joined[R any] struct {
	out     future.Future[R]
	owner   loop.Owner
	home    *loop.Loop
	settled bool // return_exceptions
	result  func() R

	cancelled atomic.Bool
	left      int         // children that are not done
	elsewhere atomic.Bool // they end on their own goroutines, and mu guards left

	mu    sync.Mutex
	nodes []joinNode // nil when all children are done; guarded by mu
}

// A joinNode waits for one child.
type joinNode struct {
	w     loop.Waiter
	j     joiner
	child child
}

// A joiner is a joined of any type.
type joiner interface {
	ended(child)
	take(x loop.Runnable, in *loop.Loop) bool
	completion() *loop.Completion
}

// spareNodes keeps the nodes of gathers that are over. They would be a quarter of what a task of a
// large gather costs.
var spareNodes sync.Pool

func newNodes(n int) []joinNode {
	if p, ok := spareNodes.Get().(*[]joinNode); ok {
		if cap(*p) >= n {
			return (*p)[:n]
		}
	}
	return make([]joinNode, n)
}

// join returns the future of all children. A child that occurs twice is waited for twice, which
// makes no difference.
func join[R any](ctx context.Context, cs children, settled bool, result func() R) *future.Future[R] {
	j := &joined[R]{home: loop.Near(ctx), settled: settled, result: result}
	if j.home != nil {
		defer j.home.Stay().End()
	}
	j.owner.Canceller = j
	j.out.Promise().Bind(j.home, &j.owner)
	if cs.n == 0 {
		j.out.Promise().Complete(result(), nil, false)
		return &j.out
	}
	j.left = cs.n
	j.elsewhere.Store(j.home == nil)
	nodes := newNodes(cs.n)
	j.nodes = nodes
	inside := j.home == nil || j.home.Inside()
	done := 0
	for i := range nodes {
		n, c := &nodes[i], cs.at(i)
		n.j, n.child = j, c
		n.w = loop.MakeWaiter(n)
		switch {
		case c.Add(&n.w):
		case inside:
			done++
			n.child = nil
		case n.Notify(nil):
			n.RunReady()
		}
	}
	// Those that were done before count at once, as in Python 3.12, so that a gather of nothing else is done
	// when it is returned.
	for i := 0; done > 0; i++ {
		if nodes[i].child == nil {
			done--
			nodes[i].child = cs.at(i)
			j.ended(nodes[i].child)
		}
	}
	return &j.out
}

// Notify implements loop.Party.
func (n *joinNode) Notify(in *loop.Loop) (run bool) {
	return !n.j.take(n, in) // without a loop that runs it, it is done here
}

// Feeds implements loop.Feeder.
func (n *joinNode) Feeds() []*loop.Completion { return []*loop.Completion{n.j.completion()} }

// RunReady implements loop.Runnable: the child is done.
func (n *joinNode) RunReady() { n.j.ended(n.child) }

func (j *joined[R]) completion() *loop.Completion { return j.out.Completion() }

// take has the loop run x, and reports false if there is no loop that does.
func (j *joined[R]) take(x loop.Runnable, in *loop.Loop) bool {
	if j.home.Push(x, in) {
		return true
	}
	j.elsewhere.Store(true)
	return false
}

func (j *joined[R]) ended(c child) {
	last := j.count()
	err := c.Err() // looked at, in any case
	if last {
		j.release()
	}
	switch {
	case j.out.IsDone():
	case err != nil && !j.settled:
		j.out.Promise().Complete(*new(R), err, false)
	case !last:
	case j.cancelled.Load():
		// The children accepted the cancellation, but their errors are results here.
		if !future.IsCancelled(err) {
			err = future.ErrCancelled
		}
		j.out.Promise().Complete(*new(R), err, false)
	default:
		j.out.Promise().Complete(j.result(), nil, false)
	}
}

// count counts a child that has ended, and reports whether it was the last one.
func (j *joined[R]) count() (last bool) {
	if j.elsewhere.Load() {
		j.mu.Lock()
		defer j.mu.Unlock()
	}
	j.left--
	return j.left == 0
}

// release gives the nodes back: all of them have done their work.
func (j *joined[R]) release() {
	j.mu.Lock()
	nodes := j.nodes
	j.nodes = nil
	j.mu.Unlock()
	if j.elsewhere.Load() {
		return // another goroutine may still be on its way out of a node
	}
	clear(nodes)
	spareNodes.Put(&nodes)
}

// EndsSoon reports whether all children are done and the loop has not come to that yet.
func (j *joined[R]) EndsSoon() bool { return !j.out.IsDone() && j.home != nil && j.home.Inside() }

// CancelWaited implements loop.Canceller.
func (j *joined[R]) CancelWaited(c *loop.Cause) bool {
	if j.out.IsDone() {
		return false
	}
	j.mu.Lock()
	children := make([]child, len(j.nodes))
	for i := range j.nodes {
		children[i] = j.nodes[i].child
	}
	j.mu.Unlock()
	any := false
	for _, child := range children {
		if child.CancelWaited(c) {
			any = true
		}
	}
	if any {
		j.cancelled.Store(true)
	}
	return any
}
