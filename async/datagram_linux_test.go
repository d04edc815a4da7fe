package async_test

import "syscall"

// datagramTaken reports whether the kernel has no datagram left for a socket.
func datagramTaken(fd uintptr, p []byte) bool {
	_, _, err := syscall.Recvfrom(int(fd), p, syscall.MSG_PEEK|syscall.MSG_DONTWAIT)
	return err == syscall.EAGAIN
}
