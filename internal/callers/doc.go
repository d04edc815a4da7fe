// Package callers tells who has called, for a few nanoseconds where runtime.Callers takes some hundred: it only follows
// the frame pointers, which Go keeps on amd64 and arm64. Elsewhere it is runtime.Callers.
package callers
