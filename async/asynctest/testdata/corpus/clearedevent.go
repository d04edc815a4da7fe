package corpus

import (
	"context"

	"github.com/asyncgo/asyncgo/async"
)

var clearedEvent = both("event that is cleared before all have seen it", Budget{Random: 20, PCT: 50},
	`deadlock: .*waits for Event`,
	func(ctx context.Context, fixed bool) error {
		var e async.Event
		err := Together(ctx, e.Wait, e.Wait, func(context.Context) error {
			e.Set()
			if !fixed {
				e.Clear() // and who comes now waits for ever
			}
			return nil
		})
		e.Clear()
		return err
	})
