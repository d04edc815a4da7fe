package async_test

import (
	"bytes"
	"context"
	"io/fs"
	"path/filepath"
	"testing"

	"github.com/asyncgo/asyncgo/async"
)

func TestFiles(t *testing.T) {
	t.Run("what is written is read, in a task and on a plain goroutine", func(t *testing.T) {
		roundTrip := func(ctx context.Context) {
			name := filepath.Join(t.TempDir(), "file")
			want := bytes.Repeat([]byte("data"), 1000)
			check(async.WriteFile(ctx, name, want, 0o600))
			expectEqual(t, "all is there", bytes.Equal(must(async.ReadFile(ctx, name)), want), true)
		}
		roundTrip(t.Context())
		onLoop(func(ctx context.Context, t *testing.T) { roundTrip(ctx) })(t)
	})
	t.Run("a file that is missing is an error", onLoop(func(ctx context.Context, t *testing.T) {
		_, err := async.ReadFile(ctx, filepath.Join(t.TempDir(), "none"))
		expectError(t, "ReadFile", err, fs.ErrNotExist)
		expectError(t, "WriteFile", async.WriteFile(ctx, filepath.Join(t.TempDir(), "no", "dir"), nil, 0o600), fs.ErrNotExist)
	}))
	t.Run("a task that reads lets the others run", onLoop(func(ctx context.Context, t *testing.T) {
		name := filepath.Join(t.TempDir(), "file")
		check(async.WriteFile(ctx, name, nil, 0o600))
		expectEqual(t, "gave way", gaveWay(ctx, func() { must(async.ReadFile(ctx, name)) }), true)
	}))
	t.Run("a read that is cancelled returns at once", onLoop(func(ctx context.Context, t *testing.T) {
		read := async.CreateTask(ctx, func(ctx context.Context) ([]byte, error) { return async.ReadFile(ctx, "/dev/null") })
		ticks(ctx, 1)
		read.Cancel()
		waitFor(ctx, read)
		if err := read.Err(); err != nil {
			expectError(t, "ReadFile", err, async.ErrCancelled)
		}
	}))
}
