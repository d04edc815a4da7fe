//go:build !amd64 && !arm64

package callers

import "runtime"

// Get fills pcs with the return addresses of the caller and of those who have called that, innermost first, as
// runtime.CallersFrames wants them. What is left of pcs stays as it is.
func Get(pcs []uintptr) { runtime.Callers(2, pcs) }
