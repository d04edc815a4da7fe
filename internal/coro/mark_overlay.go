//go:build gomonkey

package coro

import _ "unsafe" // for go:linkname

// marks reports whether goroutines are marked that are Routines.
const marks = true

// mark notes in the runtime's own record of the calling goroutine whether it is a Routine. That can be asked in less than a
// nanosecond, and is by every function that gomonkey has patched: those who are no Routine are done with that. A mark that is
// there without a Routine would cost time, and one that is missing would have a task block its loop.
//
//go:linkname mark runtime.gomonkeyMark
var mark func(routine bool)
