package future

import (
	"runtime"

	"github.com/asyncgo/asyncgo/internal/loop"
)

// watch has a failure reported when the future is dropped and nobody has looked at it.
func watch[T any](f *Future[T], failure *loop.Failure) {
	runtime.AddCleanup(f, (*loop.Failure).Dropped, failure)
}
