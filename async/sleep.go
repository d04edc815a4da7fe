package async

import (
	"context"
	"time"

	"github.com/asyncgo/asyncgo/internal/loop"
)

// Sleep suspends the calling task for d, measured by the loop's clock. It stands for asyncio.sleep.
// With d ≤ 0 it gives way to the others for exactly one tick. A plain goroutine blocks.
//
// If ctx is cancelled, Sleep returns [ErrCancelled], or [ErrTimeout] if that was by [WithTimeout];
// at the earliest one tick after it was called. In a callback it returns [ErrNotInTask].
func Sleep(ctx context.Context, d time.Duration) error { return loop.Sleep(ctx, d) }
