//go:build unix

package async

import (
	"errors"
	"os"
	"syscall"
)

// rawOf returns the way to the file descriptor of a socket or pipe that does not block, or nil.
func rawOf(conn any) syscall.RawConn {
	c, ok := conn.(syscall.Conn)
	if !ok {
		return nil
	}
	if f, ok := conn.(*os.File); ok && f.SetDeadline(noDeadline) != nil {
		return nil // the runtime does not poll it
	}
	raw, err := c.SyscallConn()
	if err != nil {
		return nil
	}
	return raw
}

// readFD reads what is there.
func readFD(fd uintptr, p []byte) (int, error) {
	for {
		n, err := syscall.Read(int(fd), p)
		if err != syscall.EINTR {
			return max(n, 0), err
		}
	}
}

// writeFD writes what there is room for.
func writeFD(fd uintptr, p []byte) (int, error) {
	for {
		n, err := syscall.Write(int(fd), p)
		if err != syscall.EINTR {
			return max(n, 0), err
		}
	}
}

// wouldBlock reports whether a call has found nothing to do.
func wouldBlock(err error) bool { return err == syscall.EAGAIN || err == syscall.EWOULDBLOCK }

// outOfResources reports whether Accept has failed for want of something that may come back.
func outOfResources(err error) bool {
	for _, e := range []syscall.Errno{syscall.EMFILE, syscall.ENFILE, syscall.ENOBUFS, syscall.ENOMEM} {
		if errors.Is(err, e) {
			return true
		}
	}
	return errors.Is(err, syscall.ECONNABORTED)
}

// brokenPipe reports whether nobody reads what was written.
func brokenPipe(err error) bool {
	return errors.Is(err, syscall.EPIPE) || errors.Is(err, syscall.ECONNRESET)
}

// exitCode returns the code of a process that has ended, or minus the signal that has ended it.
func exitCode(s *os.ProcessState) int {
	if status, ok := s.Sys().(syscall.WaitStatus); ok && status.Signaled() {
		return -int(status.Signal())
	}
	return s.ExitCode()
}
