package corpus

import (
	"context"
	"errors"
)

var staleCache = both("cache filled with an old value", Budget{Random: 20, PCT: 50},
	`the cache is stale`,
	func(ctx context.Context, fixed bool) error {
		stored, version := 1, 1
		var cached int
		return Together(ctx,
			func(ctx context.Context) error {
				for {
					v, seen := stored, version
					if err := Pause(ctx); err != nil {
						return err
					}
					if fixed && seen != version {
						continue
					}
					if cached = v; cached != stored {
						return errors.New("the cache is stale")
					}
					return nil
				}
			},
			func(context.Context) error { stored, version = 2, 2; return nil })
	})
