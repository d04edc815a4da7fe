package gevent_test

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/asyncgo/asyncgo/greenlet/gevent"
)

// The text names each greenlet, and what it waits for.
func ExampleRunInfo() {
	var q gevent.Queue[int]
	consumer := gevent.Spawn(func() (int, error) { return q.Get() })
	consumer.SetName("consumer")
	gevent.Go(func() {
		for line := range strings.Lines(gevent.RunInfo()) {
			if strings.HasPrefix(line, "\tconsumer") {
				what, _, _ := strings.Cut(line, " at ") // of which file and line follow
				fmt.Println(strings.TrimSpace(what))
			}
		}
		q.Put(1)
	})
	fmt.Println(consumer.Get())
	// Output:
	// consumer waits for Queue
	// 1 <nil>
}

// A monitor tells of a greenlet that blocks its hub.
func ExampleStartMonitor() {
	blocked := make(chan string, 1)
	off := gevent.Subscribe(func(event any) {
		if e, ok := event.(gevent.EventLoopBlocked); ok && e.For >= 5*time.Millisecond {
			select {
			case blocked <- "the hub is blocked":
			default:
			}
		}
	})
	defer off()
	m := gevent.StartMonitor(5 * time.Millisecond)
	defer m.Stop()

	gevent.Go(func() { fmt.Println(<-blocked) }).Join() // a wait that is not gevent's
	// Output: the hub is blocked
}

// A greenlet reads while the goroutine of the hub does something else.
func ExampleDial() {
	listener, err := gevent.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer listener.Close()
	server := gevent.Go(func() {
		c, err := listener.Accept()
		if err != nil {
			fmt.Println(err)
			return
		}
		defer c.Close()
		gevent.Sleep(time.Millisecond)
		fmt.Fprint(c, "hello")
	})
	c, err := gevent.Dial("tcp", listener.Addr().String())
	if err != nil {
		fmt.Println(err)
		return
	}
	defer c.Close()
	answer := gevent.Spawn(func() ([]byte, error) { return io.ReadAll(c) })
	fmt.Println("waiting")
	text, err := answer.Get()
	fmt.Println(string(text), err)
	server.Join()
	// Output:
	// waiting
	// hello <nil>
}
