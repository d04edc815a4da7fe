package corpus

import (
	"context"
	"errors"

	"github.com/asyncgo/asyncgo/future"
)

var twiceDone = both("future completed by two", Budget{Random: 10, PCT: 50},
	`the result was set already`,
	func(ctx context.Context, fixed bool) error {
		f := future.New[int]()
		finish := func(v int) Program {
			return func(ctx context.Context) error {
				if !f.IsDone() {
					if !fixed {
						if err := Pause(ctx); err != nil {
							return err
						}
					}
					if f.SetResult(v) != nil {
						return errors.New("the result was set already")
					}
				}
				return nil
			}
		}
		return Together(ctx, finish(1), finish(2))
	})
