// Eatplay is a tutorial's program for greenlet: two functions that switch to each other by name.
//
//	go run ./examples/eatplay
//
// Scripts, by tutorial as in examples/README.md: III, greenlet: eat and play.
package main

import (
	"fmt"
	"io"
	"log"
	"os"

	"github.com/asyncgo/asyncgo/greenlet"
)

func main() {
	if err := run(os.Stdout); err != nil {
		log.Fatal(err)
	}
}

func run(out io.Writer) error {
	var g1, g2 *greenlet.Greenlet
	g1 = greenlet.New(func(args ...any) (any, error) {
		name := args[0]
		fmt.Fprintf(out, "%s eat 1\n", name)
		if _, err := g2.Switch("ckl"); err != nil { // the first switch gives the arguments
			return nil, err
		}
		fmt.Fprintf(out, "%s eat 2\n", name)
		return g2.Switch()
	})
	g2 = greenlet.New(func(args ...any) (any, error) {
		name := args[0]
		fmt.Fprintf(out, "%s play 1\n", name)
		if _, err := g1.Switch(); err != nil {
			return nil, err
		}
		fmt.Fprintf(out, "%s play 2\n", name)
		return nil, nil
	})
	if _, err := g1.Switch("ckl"); err != nil {
		return err
	}
	return g1.Kill() // it still waits for g2 to switch back
}
