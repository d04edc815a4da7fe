//go:build unix

package future_test

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/asyncgo/asyncgo/future"
)

// A function that worker processes may run is registered where package variables are.
var reverse = future.Register("reverse", func(word string) (string, error) {
	if word == "" {
		return "", errors.New("an empty word")
	}
	letters := []rune(word)
	slices.Reverse(letters)
	return string(letters), nil
})

// Call is submit of a ProcessPoolExecutor.
func ExampleCall() {
	ctx := context.Background()
	pool := future.NewProcessPool(2)
	defer pool.Shutdown(ctx)
	a, b := future.Call(pool, reverse, "desserts"), future.Call(pool, reverse, "")
	fmt.Println(a.Await(ctx))
	_, err := b.Await(ctx)
	fmt.Println(err)
	// Output:
	// stressed <nil>
	// an empty word
}

// CallMap is map with a chunksize.
func ExampleCallMap() {
	ctx := context.Background()
	pool := future.NewProcessPool(2)
	defer pool.Shutdown(ctx)
	words := slices.Values([]string{"drawer", "level", "loop"})
	for word, err := range future.CallMap(ctx, pool, reverse, words, 100) {
		fmt.Println(word, err)
	}
	// Output:
	// reward <nil>
	// level <nil>
	// pool <nil>
}
