// Geventeatplay is a tutorial's program for gevent: one eats for three seconds while the other plays for
// two.
//
//	go run ./examples/geventeatplay
//
// Scripts, by tutorial as in examples/README.md: III, gevent: eat and play.
package main

import (
	"fmt"
	"io"
	"log"
	"os"
	"time"

	"github.com/asyncgo/asyncgo/greenlet/gevent"
)

func main() {
	if err := run(os.Stdout); err != nil {
		log.Fatal(err)
	}
}

// run is the program.
func run(out io.Writer) error {
	act := func(name, what string, seconds time.Duration) *gevent.Greenlet[gevent.Void] {
		return gevent.Spawn(func() (gevent.Void, error) {
			fmt.Fprintf(out, "%s %s 1\n", name, what)
			err := gevent.Sleep(seconds * time.Second)
			fmt.Fprintf(out, "%s %s 2\n", name, what)
			return gevent.Void{}, err
		})
	}
	g1 := act("ckl", "eat", 3)
	g2 := act("ckl", "play", 2)
	_, err := gevent.JoinAll([]*gevent.Greenlet[gevent.Void]{g1, g2}, gevent.RaiseError())
	return err
}
