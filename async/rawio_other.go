//go:build !unix

package async

import (
	"errors"
	"os"
	"syscall"
)

// rawOf returns nil: there is no way to a descriptor that does not block.
func rawOf(any) syscall.RawConn { return nil }

func readFD(uintptr, []byte) (int, error) { return 0, errors.ErrUnsupported }

func writeFD(uintptr, []byte) (int, error) { return 0, errors.ErrUnsupported }

func wouldBlock(error) bool { return false }

// outOfResources reports whether Accept has failed for want of something that may come back.
func outOfResources(err error) bool {
	return errors.Is(err, syscall.EMFILE) || errors.Is(err, syscall.ECONNABORTED)
}

// brokenPipe reports whether nobody reads what was written.
func brokenPipe(err error) bool {
	return errors.Is(err, syscall.EPIPE) || errors.Is(err, syscall.ECONNRESET)
}

// exitCode returns the code of a process that has ended.
func exitCode(s *os.ProcessState) int { return s.ExitCode() }
