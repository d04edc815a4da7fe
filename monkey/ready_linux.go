package monkey

import (
	"math"
	"syscall"
	"unsafe"
)

const (
	// pipeBuf is how much a pipe that can be written takes without blocking: PIPE_BUF.
	pipeBuf = 4096
	// others is how much is written to anything else that can be written. A terminal can be as soon as it has some room, and does not
	// say how much; its room is counted in so many bytes.
	others = 256
)

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
	return !write || n <= others || n <= room(fd)
}

// room returns how much a descriptor that can be written takes without blocking.
func room(fd uintptr) int {
	var st syscall.Stat_t
	if syscall.Fstat(int(fd), &st) != nil {
		return 0
	}
	switch st.Mode & syscall.S_IFMT {
	case syscall.S_IFREG:
		return math.MaxInt
	case syscall.S_IFIFO, syscall.S_IFSOCK:
		return pipeBuf
	}
	return others
}
