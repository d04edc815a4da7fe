//go:build unix && !linux

package monkey

import "syscall"

// ready reports whether a read or write on a descriptor is done at once. Here only regular files are known to be.
func ready(fd uintptr, _ int, _ bool) bool {
	var st syscall.Stat_t
	return syscall.Fstat(int(fd), &st) == nil && st.Mode&syscall.S_IFMT == syscall.S_IFREG
}
