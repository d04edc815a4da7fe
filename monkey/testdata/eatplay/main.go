// Eatplay is a tutorial's program for gevent.monkey: it sleeps by time.Sleep. The argument is how long a second is.
package main

import (
	"fmt"
	"os"
	"time"

	"github.com/asyncgo/asyncgo/greenlet/gevent"
	"github.com/asyncgo/asyncgo/monkey"
)

func main() {
	second, err := time.ParseDuration(os.Args[1])
	if err != nil {
		panic(err)
	}
	monkey.PatchAll()
	start := time.Now()
	eat := func(name string) {
		fmt.Printf("%s eat 1\n", name)
		time.Sleep(3 * second)
		fmt.Printf("%s eat 2\n", name)
	}
	play := func(name string) {
		fmt.Printf("%s play 1\n", name)
		time.Sleep(2 * second)
		fmt.Printf("%s play 2\n", name)
	}
	g1 := gevent.Go(func() { eat("ckl") })
	g2 := gevent.Go(func() { play("ckl") })
	gevent.JoinAll([]*gevent.Greenlet[gevent.Void]{g1, g2})
	fmt.Println(int(time.Since(start)/second), "seconds")
}
