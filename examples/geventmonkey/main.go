// Geventmonkey is a tutorial's program for gevent.monkey: it is examples/geventeatplay with the time.Sleep of the standard
// library. It has to be built by gomonkey to be the same:
//
//	go run ./monkey/cmd/gomonkey run ./examples/geventmonkey
//
// prints what the tutorial does, after three seconds:
//
//	ckl eat 1
//	ckl play 1
//	ckl play 2
//	ckl eat 2
//
// By go run alone a time.Sleep blocks the loop, and with it the other greenlet: it eats to the end and plays after that, for
// five seconds.
//
//	ckl eat 1
//	ckl eat 2
//	ckl play 1
//	ckl play 2
//
// An argument says how long a second is: go run ./examples/geventmonkey 100ms.
//
// Scripts, by tutorial as in examples/README.md: III, gevent: `monkey.patch_all()`, eat and play by `time.sleep`.
package main

import (
	"fmt"
	"io"
	"log"
	"os"
	"time"

	"github.com/asyncgo/asyncgo/greenlet/gevent"
	"github.com/asyncgo/asyncgo/monkey"
)

func main() {
	second := time.Second
	if len(os.Args) > 1 {
		var err error
		if second, err = time.ParseDuration(os.Args[1]); err != nil {
			log.Fatal(err)
		}
	}
	if _, err := monkey.PatchAll(); err != nil {
		log.Fatal(err)
	}
	run(os.Stdout, 3*second, 2*second)
}

// run eats and plays.
func run(out io.Writer, eating, playing time.Duration) {
	act := func(name, what string, d time.Duration) func() {
		return func() {
			fmt.Fprintf(out, "%s %s 1\n", name, what)
			time.Sleep(d)
			fmt.Fprintf(out, "%s %s 2\n", name, what)
		}
	}
	g1 := gevent.Go(act("ckl", "eat", eating))
	g2 := gevent.Go(act("ckl", "play", playing))
	gevent.JoinAll([]*gevent.Greenlet[gevent.Void]{g1, g2})
}
