package future_test

import (
	"context"
	"fmt"
	"slices"

	"github.com/asyncgo/asyncgo/future"
)

// Map is Executor.map: the results come in the order of the items, and each error in its place.
func ExampleMap() {
	ctx := context.Background()
	pool := future.NewPool(4)
	defer pool.Shutdown(ctx)
	words := []string{"spam", "", "eggs"}
	for n, err := range future.Map(ctx, pool, slices.Values(words), func(word string) (int, error) {
		if word == "" {
			return 0, fmt.Errorf("an empty word")
		}
		return len(word), nil
	}) {
		fmt.Println(n, err)
	}
	// Output:
	// 4 <nil>
	// 0 an empty word
	// 4 <nil>
}

// A view of a pool bounds one kind of work: here the queries have one worker at a time, and the other three are left to everybody else.
func ExamplePool_Limit() {
	ctx := context.Background()
	pool := future.NewPool(4, future.PoolName("web"))
	db := pool.Limit("db", 1)

	var order []string // needs no lock: one query at a time
	for _, query := range []string{"insert", "update", "delete"} {
		future.Submit(db, func() (int, error) {
			order = append(order, query)
			return 0, nil
		})
	}
	fmt.Println(db.Shutdown(ctx), order)
	fmt.Println(db)
	fmt.Println(pool.Shutdown(ctx))
	// Output:
	// <nil> [insert update delete]
	// Pool("db", 1 workers, 0 running, 0 queued)
	// <nil>
}

// A job can say in its log which worker it runs on.
func ExamplePool_Worker() {
	ctx := context.Background()
	pool := future.NewPool(1, future.PoolName("crawler"))
	job := future.Submit(pool, func() (string, error) { return "fetched by " + pool.Worker(), nil })
	fmt.Println(job.Await(ctx))
	fmt.Println(pool.Shutdown(ctx))
	// Output:
	// fetched by crawler-0 <nil>
	// <nil>
}
