//go:build !unix

package async

import "os"

// uncatchable reports whether the system does not let a process handle the signal.
func uncatchable(os.Signal) bool { return false }
