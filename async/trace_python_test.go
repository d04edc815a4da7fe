package async_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/asyncgo/asyncgo/async"
	"github.com/asyncgo/asyncgo/internal/pytrace"
)

type tuple = pytrace.Tuple

// A pyError is an exception that a script raises.
type pyError struct {
	class string
	args  tuple
}

func (e *pyError) Error() string { return repr(e) }

func valueError(args ...any) error { return &pyError{"ValueError", args} }
func keyError(args ...any) error   { return &pyError{"KeyError", args} }

// errZeroDivision is the exception of 1 / 0. Go's own is a runtime panic with other words.
var errZeroDivision error = &pyError{class: "ZeroDivisionError"}

// exception returns the class and the arguments of the exception that err stands for. An error of Go that stands for none shows its
// own type and text, which no trace has.
func exception(err error) (class string, args tuple) {
	switch e := err.(type) {
	case *pyError:
		return e.class, e.args
	case *async.CancelledError:
		if e.Msg != "" {
			args = tuple{e.Msg}
		}
		return "CancelledError", args
	case *async.ErrorGroup:
		return "ExceptionGroup", tuple{e.Msg, e.Errs}
	case *async.PanicError:
		// A callback raises by a panic.
		if raised := e.Unwrap(); raised != nil {
			return exception(raised)
		}
	}
	switch {
	case errors.Is(err, async.ErrTimeout):
		return "TimeoutError", nil
	case errors.Is(err, async.ErrInvalidState):
		return "InvalidStateError", tuple{sentence(err)}
	case errors.Is(err, async.ErrQueueFull):
		return "QueueFull", nil
	case errors.Is(err, async.ErrQueueEmpty):
		return "QueueEmpty", nil
	case errors.Is(err, async.ErrQueueShutdown):
		return "QueueShutDown", nil
	}
	return fmt.Sprintf("%T", err), tuple{err.Error()}
}

// className is type(e).__name__.
func className(err error) string {
	class, _ := exception(err)
	return class
}

// exceptions is e.exceptions of a group.
func exceptions(err error) tuple {
	var all tuple
	for _, e := range err.(*async.ErrorGroup).Errs {
		all = append(all, e)
	}
	return all
}

// sentences are messages of ours that say in other words what CPython's say.
var sentences = map[string]string{
	"result is not set":                          "Result is not set.",
	"exception in callback":                      "Exception in callback",
	"task exception was never retrieved":         "Task exception was never retrieved",
	"future exception was never retrieved":       "Future exception was never retrieved",
	"unhandled exception in event loop":          "Unhandled exception in event loop",
	"unhandled error in exception handler":       "Unhandled error in exception handler",
	"unhandled exception in client_connected_cb": "Unhandled exception in client_connected_cb",
	"unhandled exception during Run shutdown":    "unhandled exception during asyncio.run() shutdown",
}

// sentence returns a message in CPython's words.
func sentence(msg any) string {
	text := fmt.Sprint(msg)
	if python, ok := sentences[text]; ok {
		return python
	}
	return text
}

// spelled returns what CPython says where we return the error is, and err itself if it is another one.
func spelled(err, is error, python string) any {
	if errors.Is(err, is) {
		return python
	}
	return err
}

// str is Python's str.
func str(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case error:
		class, args := exception(v)
		switch {
		case class == "ExceptionGroup":
			first, _, _ := strings.Cut(v.Error(), "\n")
			return first
		case len(args) == 0:
			return ""
		case len(args) == 1 && class != "KeyError":
			return str(args[0])
		case len(args) == 1:
			return repr(args[0])
		}
		return repr(args)
	}
	return repr(v)
}

// repr is Python's repr.
func repr(v any) string { return pytrace.Repr(v, special) }

func special(v any) (string, bool) {
	switch v := v.(type) {
	case time.Duration:
		return repr(v.Seconds()), true
	case error:
		class, args := exception(v)
		return class + "(" + pytrace.Reprs(args, special) + ")", true
	}
	return "", false
}

// TestTraceSpelling holds the spelling that the ports print with against Python's.
func TestTraceSpelling(t *testing.T) {
	for _, c := range []struct {
		v         any
		str, repr string
	}{
		{nil, "None", "None"},
		{true, "True", "True"},
		{false, "False", "False"},
		{42, "42", "42"},
		{0.02, "0.02", "0.02"},
		{20 * time.Millisecond, "0.02", "0.02"},
		{"a", "a", "'a'"},
		{"it's", "it's", `"it's"`},
		{[]int{1, 2}, "[1, 2]", "[1, 2]"},
		{[]string{}, "[]", "[]"},
		{tuple{}, "()", "()"},
		{tuple{"a"}, "('a',)", "('a',)"},
		{tuple{"a", true}, "('a', True)", "('a', True)"},
		{valueError(), "", "ValueError()"},
		{valueError("boom"), "boom", "ValueError('boom')"},
		{keyError("k"), "'k'", "KeyError('k')"},
		{async.ErrCancelled, "", "CancelledError()"},
		{&async.CancelledError{Msg: "why"}, "why", "CancelledError('why')"},
		{async.ErrTimeout, "", "TimeoutError()"},
		{&async.PanicError{Value: errZeroDivision}, "", "ZeroDivisionError()"},
		{&async.ErrorGroup{Msg: "m", Errs: []error{valueError(1)}}, "m (1 sub-exception)", "ExceptionGroup('m', [ValueError(1)])"},
	} {
		if got := str(c.v); got != c.str {
			t.Errorf("str of %T is %q, not %q", c.v, got, c.str)
		}
		if got := repr(c.v); got != c.repr {
			t.Errorf("repr of %T is %q, not %q", c.v, got, c.repr)
		}
	}
}
