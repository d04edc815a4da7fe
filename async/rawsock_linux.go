//go:build linux && (amd64 || arm64) && !race

package async

import (
	"syscall"
	"unsafe"
)

// receiveFD is readFD for a socket. It does not wait even if somebody has made the socket one that blocks, so the runtime need
// not know of the call: it cannot take the processor away meanwhile, and the task does not have to ask for one afterwards. The
// race detector wants to know, see rawsock_other.go.
func receiveFD(fd uintptr, p []byte) (int, error) { return transfer(syscall.SYS_RECVFROM, fd, p) }

// sendFD is writeFD for a socket, like receiveFD.
func sendFD(fd uintptr, p []byte) (int, error) { return transfer(syscall.SYS_SENDTO, fd, p) }

func transfer(call, fd uintptr, p []byte) (int, error) {
	const flags = syscall.MSG_DONTWAIT | syscall.MSG_NOSIGNAL
	for {
		n, _, err := syscall.RawSyscall6(call, fd, uintptr(unsafe.Pointer(unsafe.SliceData(p))), uintptr(len(p)), flags, 0, 0)
		switch err {
		case 0:
			return int(n), nil
		case syscall.EINTR:
		default:
			return 0, err
		}
	}
}
