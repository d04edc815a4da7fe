//go:build amd64 || arm64

package callers

// Get fills pcs with the return addresses of the caller and of those who have called that, innermost first, as
// runtime.CallersFrames wants them. The caller itself may be missing or not, and a frame stands for all
// functions that are inlined in it. What is left of pcs stays as it is.
//
// It looks at no more frames than fit, so that it never comes to those of C.
func Get(pcs []uintptr) { get(pcs) }

//go:noescape
func get(pcs []uintptr)
