package async

import (
	"errors"

	"github.com/asyncgo/asyncgo/future"
	"github.com/asyncgo/asyncgo/internal/loop"
)

// Errors that package future defines, under asyncio's roof.
var (
	// ErrCancelled is asyncio.CancelledError: see [future.ErrCancelled].
	ErrCancelled = future.ErrCancelled
	// ErrTimeout is TimeoutError: see [future.ErrTimeout].
	ErrTimeout = future.ErrTimeout
	// ErrInvalidState is asyncio.InvalidStateError: see [future.ErrInvalidState].
	ErrInvalidState = future.ErrInvalidState
	// ErrShutdown is returned when something takes no more work: see [future.ErrShutdown].
	ErrShutdown = future.ErrShutdown
)

var (
	// ErrNotInTask is returned by a wait in a callback of the loop: only a task can wait.
	ErrNotInTask = loop.ErrNotInTask
	// ErrAwaitSelf is returned when a task awaits itself, which would never end.
	ErrAwaitSelf = loop.ErrAwaitSelf
	// ErrLoopClosed is Python's RuntimeError "Event loop is closed".
	ErrLoopClosed = loop.ErrLoopClosed
	// ErrLoopRunning is Python's RuntimeError "This event loop is already running"; Run and
	// Runner.Run return it in a task.
	ErrLoopRunning = loop.ErrRunning
	// ErrCloseRunning is Python's RuntimeError "Cannot close a running event loop".
	ErrCloseRunning = loop.ErrCloseRunning
	// ErrBlocking is returned by Loop.Close while a task is in Block.
	ErrBlocking = loop.ErrBlocking
	// ErrNoLoop is Python's RuntimeError "no running event loop": ctx belongs to none.
	ErrNoLoop = errors.New("async: no running event loop: ctx does not come from one")
	// ErrStopped is Python's RuntimeError "Event loop stopped before Future completed."
	ErrStopped = errors.New("async: the event loop was stopped before the future was done")
	// ErrInterrupted stands for KeyboardInterrupt: Run returns it after a signal of the option Signals.
	ErrInterrupted = errors.New("async: interrupted")
	// ErrRunnerClosed is Python's RuntimeError "Runner is closed".
	ErrRunnerClosed = errors.New("async: the Runner is closed")
)

// CancelledError is ErrCancelled with a message; see [future.CancelledError].
type CancelledError = future.CancelledError

// PanicError is a panic in a task, as the error that those who await it get; see [future.PanicError].
type PanicError = future.PanicError

// ErrorGroup holds the errors of the tasks of a group; see [future.ErrorGroup].
type ErrorGroup = future.ErrorGroup
