//go:build unix

package gevent_test

import (
	"fmt"
	"os"
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
