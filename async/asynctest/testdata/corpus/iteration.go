package corpus

import (
	"context"
	"errors"
	"slices"
)

var iteration = both("iteration over a list that changes", Budget{Random: 20, PCT: 30},
	`the list has changed`,
	func(ctx context.Context, fixed bool) error {
		list, seen := []int{1, 2, 3}, 0
		return Together(ctx,
			func(ctx context.Context) error {
				all := list
				if fixed {
					all = slices.Clone(list)
				}
				for i := range all {
					if i >= len(all) || all[i] == 0 {
						return errors.New("the list has changed")
					}
					seen++
					if err := Pause(ctx); err != nil {
						return err
					}
				}
				return nil
			},
			func(context.Context) error { list[2] = 0; list = []int{1, 2}; return nil })
	})
