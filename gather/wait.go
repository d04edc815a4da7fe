package gather

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/asyncgo/asyncgo/future"
	"github.com/asyncgo/asyncgo/internal/loop"
)

// Waitable is what [Wait] and [Completed] take: *future.Future[T] and *async.Task[T], for any T.
type Waitable interface {
	comparable
	// Completion is for asyncgo's own packages.
	Completion() *loop.Completion
	// Cancelled reports whether it was cancelled.
	Cancelled() bool
	// Err returns the error it ended with.
	Err() error
}

// A WaitOption changes what [Wait] waits for.
type WaitOption func(*waitOptions)

type waitOptions struct {
	until  int
	within time.Duration
	timed  bool
}

const (
	allCompleted = iota
	firstCompleted
	firstException
)

// FirstCompleted ends the wait when one is done. It stands for return_when=FIRST_COMPLETED.
func FirstCompleted(o *waitOptions) { o.until = firstCompleted }

// FirstException ends the wait when one has failed, or all are done. One that is cancelled has not
// failed. It stands for return_when=FIRST_EXCEPTION.
func FirstException(o *waitOptions) { o.until = firstException }

// AllCompleted ends the wait when all are done, which is the default. It stands for return_when=ALL_COMPLETED.
func AllCompleted(o *waitOptions) { o.until = allCompleted }

// Within ends the wait after d at the latest, measured by the loop's clock. That is no error, and
// nothing is cancelled. It stands for the timeout of asyncio.wait; zero or less is over at once,
// after what is done already was counted.
func Within(d time.Duration) WaitOption {
	return func(o *waitOptions) { o.within, o.timed = d, true }
}

// ErrNothing is returned when there is nothing to wait for, so that the wait would never end.
var ErrNothing = errors.New("gather: the set of futures to wait for is empty")

// Wait waits until fs are done, as the options say, and returns those that are and those that are
// not, each in the order of fs. It stands for asyncio.wait.
//
// It never returns an error of one of fs and never cancels any. It always suspends the calling
// task, also if all are done. If ctx is cancelled, the wait ends with that error and fs are left
// alone. [ErrNothing] is returned for an empty fs.
func Wait[F Waitable](ctx context.Context, fs []F, opts ...WaitOption) (done, pending []F, err error) {
	if len(fs) == 0 {
		return nil, nil, ErrNothing
	}
	var o waitOptions
	for _, opt := range opts {
		if opt != nil {
			opt(&o)
		}
	}
	checkNil(fs)
	fs = unique(fs)
	w := &waiting[F]{home: loop.Near(ctx), left: len(fs), until: o.until}
	w.out.Promise().Bind(w.home, nil)
	defer w.stopTimer(o)()
	nodes := make([]waitNode[F], len(fs))
	for i, f := range fs {
		n := &nodes[i]
		n.waiting, n.f = w, f
		n.w = loop.MakeWaiter(n)
		if !f.Completion().Add(&n.w) && n.Notify(loop.Inside()) {
			n.RunReady()
		}
	}
	_, err = w.out.Await(ctx)
	for i, f := range fs {
		f.Completion().Remove(&nodes[i].w)
	}
	if err != nil {
		return nil, nil, err
	}
	for _, f := range fs {
		if f.Completion().State() == loop.Pending {
			pending = append(pending, f)
		} else {
			done = append(done, f)
		}
	}
	return done, pending, nil
}

// checkNil panics if one of fs is nil.
func checkNil[F Waitable](fs []F) {
	var zero F
	for i, f := range fs {
		if f == zero {
			panic(fmt.Sprintf("gather: future %d of those to wait for is nil", i))
		}
	}
}

type waiting[F Waitable] struct {
	out   future.Future[struct{}]
	home  *loop.Loop
	until int

	mu   sync.Mutex
	left int
}

type waitNode[F Waitable] struct {
	w       loop.Waiter
	waiting *waiting[F]
	f       F
}

// Notify implements loop.Party.
func (n *waitNode[F]) Notify(in *loop.Loop) (run bool) {
	return !n.waiting.home.Push(n, in) // without a loop that runs it, it is done here
}

// Feeds implements loop.Feeder.
func (n *waitNode[F]) Feeds() []*loop.Completion {
	return []*loop.Completion{n.waiting.out.Completion()}
}

// RunReady implements loop.Runnable: one is done.
func (n *waitNode[F]) RunReady() {
	w := n.waiting
	w.mu.Lock()
	w.left--
	over := w.left == 0 || w.until == firstCompleted ||
		w.until == firstException && n.f.Completion().State() == loop.Failed && n.f.Err() != nil
	w.mu.Unlock()
	if over {
		w.release()
	}
}

func (w *waiting[F]) release() { w.out.Promise().Complete(struct{}{}, nil, false) }

// stopTimer starts the timer of Within and returns what stops it.
func (w *waiting[F]) stopTimer(o waitOptions) func() {
	switch {
	case !o.timed:
		return func() {}
	case w.home == nil:
		t := time.AfterFunc(o.within, w.release)
		return func() { t.Stop() }
	}
	h := loop.NewHandle(w.home, w.release)
	h.At(w.home.After(max(o.within, 0)))
	return h.Cancel
}
