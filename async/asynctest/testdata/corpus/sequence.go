package corpus

import (
	"context"
	"fmt"
	"slices"
)

var sequence = both("sequence numbers out of order", Budget{Random: 30, PCT: 50},
	`sent in the order \[2 1\]`,
	func(ctx context.Context, fixed bool) error {
		next, lock := 0, maybe(fixed)
		var sent []int
		send := func(ctx context.Context) error {
			return withLock(ctx, lock, func(ctx context.Context) error {
				next++
				n := next
				err := Pause(ctx)
				sent = append(sent, n)
				return err
			})
		}
		if err := Together(ctx, send, send); err != nil {
			return err
		}
		if !slices.IsSorted(sent) {
			return fmt.Errorf("sent in the order %v", sent)
		}
		return nil
	})
