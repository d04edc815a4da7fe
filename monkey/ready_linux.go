package monkey

import (
	"syscall"
	"unsafe"
)

// pipeBuf is how much a pipe that can be written takes without blocking: PIPE_BUF.
const pipeBuf = 4096

// ready reports whether a read or write of n bytes on a descriptor is done at once. A regular file always is.
func ready(fd uintptr, n int, write bool) bool {
	const in, out = 1, 4 // POLLIN, POLLOUT
	p := struct {
		fd              int32
		events, revents int16
	}{fd: int32(fd), events: in}
	if write {
		p.events = out
	}
	var now syscall.Timespec
	some, _, errno := syscall.RawSyscall6(syscall.SYS_PPOLL, uintptr(unsafe.Pointer(&p)), 1, uintptr(unsafe.Pointer(&now)), 0, 0, 0)
	if errno != 0 || some == 0 {
		return false
	}
	return !write || n <= pipeBuf || regular(fd)
}

// regular reports whether a descriptor is that of a regular file.
func regular(fd uintptr) bool {
	var st syscall.Stat_t
	return syscall.Fstat(int(fd), &st) == nil && st.Mode&syscall.S_IFMT == syscall.S_IFREG
}
