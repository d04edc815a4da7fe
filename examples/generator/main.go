// Generator is a tutorial's first step towards coroutines: a consumer that is a generator, and a producer
// that sends it ten million numbers.
//
//	go run ./examples/generator
//
// Scripts, by tutorial as in examples/README.md: III, `yield` and `send`.
package main

import (
	"fmt"
	"io"
	"os"
	"time"

	"github.com/asyncgo/asyncgo/greenlet"
)

func main() {
	start := time.Now()
	run(os.Stdout, 10_000_000)
	fmt.Println(time.Since(start).Seconds())
}

// consumer takes numbers, and yields how many it has taken.
func consumer() *greenlet.Generator[int, int] {
	return greenlet.NewGenerator(func(yield func(int) (int, error)) error {
		for n := 0; ; n++ {
			if _, err := yield(n); err != nil {
				return err
			}
		}
	})
}

// run is the producer.
func run(out io.Writer, n int) {
	g := consumer()
	defer g.Close()
	g.Next()
	taken := 0
	for i := range n {
		taken, _ = g.Send(i)
	}
	fmt.Fprintln(out, "sent and taken:", taken)
}
