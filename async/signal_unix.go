//go:build unix

package async

import (
	"os"
	"syscall"
)

// uncatchable reports whether the system does not let a process handle the signal.
func uncatchable(sig os.Signal) bool { return sig == syscall.SIGKILL || sig == syscall.SIGSTOP }
