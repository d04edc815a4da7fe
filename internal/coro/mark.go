//go:build !gomonkey

package coro

// marks reports whether goroutines are marked that are Routines.
const marks = false

func mark(bool) {}
