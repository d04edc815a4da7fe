package loop

import (
	"context"
	"fmt"
	"iter"
	"log/slog"
	"runtime"
	"time"

	"github.com/sourcegraph/conc/panics"
)

// An Exception is an error that nobody will get, because it happened where nobody waits.
type Exception struct {
	Message string
	Err     error
	Task    *Task   // whose, if any
	Handle  *Handle // of the callback, if any
	Created string  // file:line of what failed, in debug mode
}

// SetHandler sets what happens to exceptions; nil logs them.
func (l *Loop) SetHandler(fn func(Exception)) {
	if fn == nil {
		l.handler.Store(nil)
		return
	}
	l.handler.Store(&fn)
}

// Report passes an exception to the handler. A handler that panics is reported in its turn.
func (l *Loop) Report(e Exception) {
	if l.par != nil {
		aside(func() { l.report(e) })
		return
	}
	l.report(e)
}

func (l *Loop) report(e Exception) {
	fn := l.handler.Load()
	if fn == nil {
		l.LogException(e)
		return
	}
	defer func() {
		if v := recover(); v != nil {
			p := panics.NewRecovered(1, v)
			l.LogException(Exception{Message: "unhandled error in exception handler", Err: Spell.Panic(&p)})
		}
	}()
	(*fn)(e)
}

// LogException is what happens to exceptions by default.
func (l *Loop) LogException(e Exception) {
	if e.Message == "" {
		e.Message = "unhandled exception in event loop"
	}
	attrs := make([]slog.Attr, 0, 4)
	if e.Created != "" {
		attrs = append(attrs, slog.String("created", e.Created))
	}
	if e.Err != nil {
		attrs = append(attrs, slog.Any("error", e.Err))
	}
	if e.Task != nil {
		attrs = append(attrs, slog.Any("task", e.Task.Body().Info()))
		if at := e.Task.CreatedAt(); at != "" {
			attrs = append(attrs, slog.String("created", at))
		}
	}
	if e.Handle != nil {
		attrs = append(attrs, slog.String("callback", e.Handle.String()))
		if at := position(e.Handle.created); at != "" {
			attrs = append(attrs, slog.String("created", at))
		}
	}
	l.log().LogAttrs(context.Background(), slog.LevelError, e.Message, attrs...)
}

func (l *Loop) log() *slog.Logger {
	if l.Logger != nil {
		return l.Logger
	}
	return slog.Default()
}

func (l *Loop) stepBegins() { l.step = time.Now() }

// tookLong returns how long the current step took, if that was too long.
func (l *Loop) tookLong() (time.Duration, bool) {
	if l.step.IsZero() {
		return 0, false
	}
	took := time.Since(l.step)
	l.step = time.Time{}
	return took, took >= l.Slow()
}

func (l *Loop) stepEnds(t *Task) {
	if took, long := l.tookLong(); long {
		l.logSlow(t, took)
	}
}

// logSlow says that a step has taken long.
func (l *Loop) logSlow(t *Task, took time.Duration) {
	l.log().Warn("a step of a task took long", slog.Any("task", t.Body().Info()), slog.Duration("took", took))
}

func (l *Loop) stepEndsCall(x Runnable) {
	took, long := l.tookLong()
	if !long {
		return
	}
	tell := func() {
		l.log().LogAttrs(context.Background(), slog.LevelWarn, "a callback took long",
			slog.String("callback", fmt.Sprintf("%T", x)), slog.Duration("took", took))
	}
	if l.par != nil {
		aside(tell)
		return
	}
	tell()
}

// CreatedAt returns where the task was created, as file:line, in debug mode.
func (t *Task) CreatedAt() string {
	if x := t.extra.Load(); x != nil {
		return position(x.created)
	}
	return ""
}

// SetCreated says where the task was created, for one that was made on another goroutine than that of whoever wants it.
func (t *Task) SetCreated(pcs []uintptr) { t.more().created = pcs }

// callers returns the stack of the caller's caller and above.
func callers() []uintptr {
	pcs := make([]uintptr, 16)
	return pcs[:runtime.Callers(3, pcs)]
}

// position returns the innermost place of a stack that is not in one of asyncgo's own
// packages, as file:line, or nothing if there is none.
func position(pcs []uintptr) string {
	for f := range outerFrames(pcs) {
		return fmt.Sprintf("%s:%d", f.File, f.Line)
	}
	return ""
}

// outerFrames yields the frames of a stack that are not in one of asyncgo's own packages, the innermost first.
func outerFrames(pcs []uintptr) iter.Seq[runtime.Frame] {
	return func(yield func(runtime.Frame) bool) {
		frames := runtime.CallersFrames(pcs)
		for more := len(pcs) > 0; more; {
			var f runtime.Frame
			f, more = frames.Next()
			if !ownFunction(f.Function) && !yield(f) {
				return
			}
		}
	}
}

// WaitsFor describes what the task waits for and, in debug mode, where it does so; inside its loop,
// elsewhere it is empty.
func (t *Task) WaitsFor() string {
	defer t.Stay().End()
	if !t.loop.Inside() {
		return ""
	}
	w := t.w
	if w == nil || w.task != t || w.waitsFor == nil {
		return ""
	}
	what := describeWait(w.waitsFor)
	if w.rare != nil && w.rare.at != nil {
		what += " at " + position(w.rare.at)
	}
	return what
}

// describeWait describes what a wait is for.
func describeWait(on any) string {
	switch on := on.(type) {
	case Body:
		if named, ok := on.Info().(interface{ Name() string }); ok {
			return fmt.Sprintf("Task(%q)", named.Name())
		}
	case fmt.Stringer:
		return on.String()
	}
	return "Future"
}
