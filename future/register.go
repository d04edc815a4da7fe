package future

import (
	"encoding/gob"
	"fmt"
	"runtime"
	"strings"
	"sync"

	"github.com/sourcegraph/conc/panics"
)

// A Func is a function that a worker process may run; see [Register].
type Func[A, T any] struct{ r *registered }

// Name returns the name that the function was registered with.
func (f Func[A, T]) Name() string {
	if f.r == nil {
		return ""
	}
	return f.r.name
}

// registered is a function of any type.
type registered struct {
	name string
	// open reads n arguments.
	open func(n int, dec *gob.Decoder) (work, error)
}

// work is the calls of one message, in a worker process.
type work interface {
	size() int
	do(i int) served  // does a call and keeps its result
	result(i int) any // a box of what is kept
	forget(i int)     // keeps it no longer
	results() any     // a slice of all boxes
}

// served says why a call in a worker process has no result, if it has none.
type served struct {
	err   error
	panic *PanicError
}

func (s served) ok() bool { return s.err == nil && s.panic == nil }

// batch is the work of a function of some types.
type batch[A, T any] struct {
	fn   func(A) (T, error)
	args []box[A]
	kept []box[T]
}

func (b *batch[A, T]) size() int        { return len(b.args) }
func (b *batch[A, T]) result(i int) any { return b.kept[i] }
func (b *batch[A, T]) forget(i int)     { b.kept[i] = box[T]{} }
func (b *batch[A, T]) results() any     { return b.kept }

func (b *batch[A, T]) do(i int) (s served) {
	defer func() {
		if v := recover(); v != nil {
			p := panics.NewRecovered(1, v)
			s = served{panic: &PanicError{Value: fmt.Sprint(v), Stack: p.Stack}}
		}
	}()
	v, err := b.fn(b.args[i].V)
	if err != nil {
		return served{err: err}
	}
	b.kept[i].V = v
	return served{}
}

// box carries a value, so that it may be a nil pointer or of an interface type.
type box[T any] struct{ V T }

// registry has the functions of the process.
var registry struct {
	sync.Mutex
	byName map[string]*registered
}

// Register makes fn known by a name, so that a [ProcessPool] can have it run by another process. It
// stands for what pickle does with functions: they travel by name. It is called where a variable of a
// package is declared, or in an init function, so that a worker process, which is the same program, knows
// fn as well:
//
//	var square = future.Register("square", func(n int) (int, error) { return n * n, nil })
//
// A worker process serves in the last Register of the program, in the place of what would come next. So
// it runs the initialisation of packages up to there, never main, and no test. What else functions need
// has to be initialised before, and the set of functions must not depend on anything that differs between
// two starts of the program. A program that registers nothing pays nothing.
//
// Arguments and results travel by encoding/gob, with its rules: unexported fields are left out, and a
// value in an interface has to be known to [gob.Register], which is called before the last Register, too. An error keeps its type if gob can send
// that; otherwise it arrives as a [WorkerError] with its text.
//
// Register panics if the name is empty or taken, if fn is nil, and when main has begun.
func Register[A, T any](name string, fn func(A) (T, error)) Func[A, T] {
	switch {
	case name == "":
		panic("future: Register was called without a name")
	case fn == nil:
		panic("future: Register was called with a nil function")
	case !initialising():
		panic(fmt.Sprintf("future: %q was registered after the program's initialisation", name))
	}
	r := &registered{name: name}
	r.open = func(n int, dec *gob.Decoder) (work, error) {
		args, err := decodeSlice[box[A]](dec, n)
		if err != nil {
			return nil, fmt.Errorf("future: the argument of %s: %w", name, err)
		}
		return &batch[A, T]{fn, args, make([]box[T], n)}, nil
	}
	registry.Lock()
	if _, taken := registry.byName[name]; taken {
		registry.Unlock()
		panic(fmt.Sprintf("future: two functions are registered as %q", name))
	}
	if registry.byName == nil {
		registry.byName = map[string]*registered{}
	}
	registry.byName[name] = r
	n := len(registry.byName)
	registry.Unlock()
	if n == workerServes {
		serving.Store(true)
		go serveWorker()
		select {} // what comes next is not for a worker
	}
	return Func[A, T]{r}
}

// initialising reports whether a package is being initialised by the calling goroutine. The initialiser
// of a package's variables is its function init, and its own init functions are init.0, init.1 and so on.
func initialising() bool {
	pcs := make([]uintptr, 64)
	frames := runtime.CallersFrames(pcs[:runtime.Callers(2, pcs)])
	for {
		frame, more := frames.Next()
		name := frame.Function[strings.LastIndexByte(frame.Function, '/')+1:]
		if _, name, _ = strings.Cut(name, "."); name == "init" || strings.HasPrefix(name, "init.") {
			return true
		}
		if !more {
			return false
		}
	}
}
