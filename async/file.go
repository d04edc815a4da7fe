package async

import (
	"context"
	"io/fs"
	"os"
)

// ReadFile reads a file as [os.ReadFile] does, on the loop's default executor, and suspends the calling task meanwhile: what
// aiofiles does for asyncio. On a plain goroutine it reads right here.
//
// If ctx is cancelled, ReadFile returns [ErrCancelled] or [ErrTimeout] at once, and what is read is dropped.
func ReadFile(ctx context.Context, name string) ([]byte, error) {
	return ToThread(ctx, func(context.Context) ([]byte, error) { return os.ReadFile(name) })
}

// WriteFile writes a file as [os.WriteFile] does, on the loop's default executor, and suspends the calling task meanwhile. On a
// plain goroutine it writes right here.
//
// If ctx is cancelled, WriteFile returns [ErrCancelled] or [ErrTimeout] at once. A write that has begun goes on, and [Run]
// waits for it in the end; data must not be changed before.
func WriteFile(ctx context.Context, name string, data []byte, perm fs.FileMode) error {
	_, err := ToThread(ctx, func(context.Context) (Void, error) { return Void{}, os.WriteFile(name, data, perm) })
	return err
}
