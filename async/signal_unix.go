//go:build unix

package async

import (
	"os"
	"syscall"
)

// uncatchable reports whether the system does not let a process handle the signal, or does not have it.
func uncatchable(sig os.Signal) bool {
	n, ok := sig.(syscall.Signal)
	return ok && (n <= 0 || n > 64 || n == syscall.SIGKILL || n == syscall.SIGSTOP)
}
