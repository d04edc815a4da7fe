//go:build unix

package gevent_test

import (
	"fmt"
	"os"
	"os/exec"
	"syscall"
	"time"

	"github.com/asyncgo/asyncgo/greenlet/gevent"
)

func ExampleSignalHandler() {
	var got gevent.Event
	h := gevent.SignalHandler(syscall.SIGUSR2, func() {
		fmt.Println("signal")
		got.Set()
	})
	defer h.Cancel()
	self, _ := os.FindProcess(os.Getpid())
	self.Signal(syscall.SIGUSR2)
	fmt.Println(got.Wait(time.Minute))
	// Output:
	// signal
	// true <nil>
}

// A process gets its input, and the greenlets go on while it works.
func ExampleCheckOutput() {
	beside := gevent.Go(func() { fmt.Println("beside it") })
	out, err := gevent.CheckOutput(exec.Command("tr", "a-z", "A-Z"), []byte("louder"))
	fmt.Println(string(out), err)
	beside.Join()
	// Output:
	// beside it
	// LOUDER <nil>
}
