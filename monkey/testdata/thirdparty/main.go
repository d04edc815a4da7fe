// Thirdparty waits in a package that knows nothing of loops, for something that another task does.
package main

import (
	"context"
	"fmt"
	"time"

	"github.com/asyncgo/asyncgo/async"
	"github.com/asyncgo/asyncgo/monkey"
	"github.com/sourcegraph/conc"
)

func main() {
	monkey.PatchAll()
	async.Run(func(ctx context.Context) error {
		gate := make(chan struct{})
		waits := async.Go(ctx, func(context.Context) error {
			var wg conc.WaitGroup
			wg.Go(func() {
				select {
				case <-gate:
				case <-time.After(300 * time.Millisecond):
					fmt.Println("the loop stands still")
				}
			})
			wg.Wait()
			fmt.Println("has waited")
			return nil
		})
		async.Go(ctx, func(context.Context) error {
			fmt.Println("opens the gate")
			close(gate)
			return nil
		})
		_, err := waits.Await(ctx)
		return err
	})
	fmt.Println(monkey.IsPatched("github.com/sourcegraph/conc"), monkey.IsPatched("github.com/sourcegraph/conc.(*WaitGroup).Wait"))
}
