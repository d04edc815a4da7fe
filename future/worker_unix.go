//go:build unix

package future

import (
	"fmt"
	"os"
	"syscall"
)

// The pipes of a worker are what follows the three standard files.
const workerIn, workerOut, workerTickets = 3, 4, 5

// workerPipes returns the pipes of a worker process. What the worker starts in its turn does not get
// them, or the pool would not notice the worker's end. They do not block a thread: the runtime looks
// after a thread that is in a read every few microseconds, and so interrupts what is computed beside it.
func workerPipes() (in, out, tickets *os.File, err error) {
	for _, fd := range []int{workerIn, workerOut, workerTickets} {
		var st syscall.Stat_t
		if err := syscall.Fstat(fd, &st); err != nil {
			return nil, nil, nil, err
		}
		if st.Mode&syscall.S_IFMT != syscall.S_IFIFO {
			return nil, nil, nil, fmt.Errorf("file %d is no pipe", fd)
		}
		syscall.CloseOnExec(fd)
		if err := syscall.SetNonblock(fd, true); err != nil {
			return nil, nil, nil, err
		}
	}
	return os.NewFile(workerIn, "calls"), os.NewFile(workerOut, "answers"), os.NewFile(workerTickets, "tickets"), nil
}

// unblock undoes what passing a file on to a process has done to it.
func unblock(fd uintptr) { syscall.SetNonblock(int(fd), true) }

// readNow reads what a file has that does not block, and returns how many bytes that were, or an error's
// -1.
func readNow(fd uintptr, buf []byte) int {
	for {
		n, err := syscall.Read(int(fd), buf)
		if err != syscall.EINTR {
			return n
		}
	}
}
